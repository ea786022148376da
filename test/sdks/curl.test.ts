import { spawn } from "node:child_process";
import { once } from "node:events";
import { describe, expect, test } from "vitest";
import { cleanEnvironment } from "../live/processes.js";
import { event, json, lockstep, useSdkVault } from "./sdk-vault.js";

const KEY = "key-0123456789abcdefghijklmnop";

const vault = useSdkVault({
  credential: { header: "authorization", values: [`Bearer ${KEY}`] },
  auth: { type: "bearer", token: KEY },
  wrongAuth: { type: "bearer", token: "key-of-somebody-else" },
  refuse: json({ message: "unauthorized" }, 401),
  routes: {
    "GET /v1/things": json({ ok: true }),
    "GET /v1/old": (_request, response) => {
      response.writeHead(302, { Location: `${vault.live.upstream.origin}/v1/things` }).end();
    },
    "POST /v1/things": (_request, response, body) => {
      response.end(String(body.length));
    },
  },
});

/** Runs curl without the user's own configuration: exit code and what it printed. */
async function curl(args: readonly string[], onPiece?: (text: string) => void): Promise<[number, string]> {
  const child = spawn("curl", ["--disable", "--silent", "--show-error", "--max-time", "20", ...args], {
    env: cleanEnvironment({ VAULT_TOKEN: vault.token }),
    stdio: ["ignore", "pipe", "pipe"],
  });
  let printed = "";
  child.stdout.on("data", (piece: Buffer) => {
    printed += piece.toString();
    onPiece?.(piece.toString());
  });
  const [code] = (await once(child, "close")) as [number];
  return [code, printed];
}

describe("curl", () => {
  test.each([
    ["-H", "Authorization: Bearer "],
    ["-H", "X-Vault-Token: "],
    ["-H", "x-api-key: "],
    ["-u", ""],
  ])("a call, with the address in the URL and the token behind %s %s", async (option, prefix) => {
    const value = option === "-u" ? `${vault.token}:` : `${prefix}${vault.token}`;
    expect(await curl(["--fail", option, value, vault.url("/v1/things")])).toEqual([0, '{"ok":true}']);
  });

  test("a redirect on the same origin is followed through the vault with -L", async () => {
    const printed = await curl(["--fail", "-L", "-H", `X-Vault-Token: ${vault.token}`, vault.url("/v1/old")]);
    expect(printed).toEqual([0, '{"ok":true}']);
    expect(vault.received()).toHaveLength(2);
  });

  test("a body that makes curl ask first (Expect: 100-continue) arrives", async () => {
    const sent = ["--data-binary", "x".repeat(100_000), "-H", "Expect: 100-continue"];
    expect(await curl([...sent, "-H", `X-Vault-Token: ${vault.token}`, vault.url("/v1/things")])).toEqual([
      0,
      "100000",
    ]);
  });

  test("a stream's events arrive one by one with -N", async () => {
    const steps = lockstep([event("one"), event("two"), event("three")]);
    vault.answerOnce(steps.answer);
    const [code, printed] = await curl(
      ["-N", "-H", `X-Vault-Token: ${vault.token}`, vault.url("/v1/things")],
      () => steps.took(),
    );
    expect([code, printed]).toEqual([0, 'data: "one"\n\ndata: "two"\n\ndata: "three"\n\n']);
  });

  test("a revoked vault token makes --fail fail", async () => {
    const token = await vault.revokedToken();
    const [code] = await curl(["--fail", "-H", `Authorization: Bearer ${token}`, vault.url("/v1/things")]);
    expect(code).toBe(22);
    expect(vault.received()).toEqual([]);
  });
});
