import { expect, test } from "vitest";
import { VaultProxyError } from "../errors/vault-proxy-error.js";
import { openShell, type ShellRequest } from "./ssh-shell.js";
import type { SshCall } from "./ssh-calls.js";

const request: ShellRequest = {
  ...{ size: { cols: 80, rows: 24 }, signal: new AbortController().signal },
  accept: () => {
    throw new Error("nothing is there to accept");
  },
  clock: { now: Date.now, after: () => () => undefined },
};

test.each([
  ["its policy", () => Promise.reject(new VaultProxyError("policy_denied", "no")), "policy_denied"],
  ["the service's list", () => Promise.resolve({ command: undefined, pathLists: [] }), "forbidden"],
])("a shell that is refused hears first of %s", async (_, permit, code) => {
  const call: SshCall = {
    ...{ service: "box", idleTimeoutMs: undefined, signal: new AbortController().signal, permit },
    token: { digest: "d", id_prefix: "tok_", scope: "proxy", created_at: "", expires_at: "" },
    access: {
      ...{ host: "h", port: 22, user: "u", allowedCommands: ["uptime"], allowedPaths: undefined },
      ...{
        keyFile: undefined,
        password: undefined,
        passphrase: undefined,
        hostKey: undefined,
        legacyAlgorithms: [],
      },
    },
    ...{ note: () => undefined, countBytes: () => undefined },
    withChannel: () => Promise.reject(new Error("nothing is to be opened")),
  };
  await expect(openShell(call, request)).rejects.toMatchObject({ code });
});
