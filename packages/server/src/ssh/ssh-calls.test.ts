import { beforeEach, describe, expect, test } from "vitest";
import { UNRESTRICTED } from "../authorization/grant.js";
import type { ServiceRecord } from "../auth-strategies/service-definition.js";
import { createInFlightCalls, type InFlightCalls } from "../data-plane/in-flight-calls.js";
import { VaultProxyError } from "../errors/vault-proxy-error.js";
import { Secret } from "../redaction/secret.js";
import type { TokenRecord } from "../tokens/token-record.js";
import { createSshCalls, type SshCaller, type SshCalls } from "./ssh-calls.js";

const TOKEN: TokenRecord = {
  ...{ digest: "d1", id_prefix: "tok_abcdefgh", scope: "proxy" },
  ...{ created_at: "2026-01-01T00:00:00Z", expires_at: "2036-01-01T00:00:00Z" },
};
const BOX: ServiceRecord = {
  ...{ name: "box", base_url: "", tls_skip_verify: false, session_cookies: false, allow_private: true },
  forward_cookies: false,
  auth: { type: "ssh_key", ssh_host: "h", ssh_user: "u", ssh_password: new Secret("p") },
};

let calls: InFlightCalls;
let ssh: SshCalls;
const caller = (more: Partial<SshCaller> = {}): SshCaller => ({
  token: TOKEN,
  service: "box",
  action: "exec",
  origin: {},
  signal: new AbortController().signal,
  ...more,
});

beforeEach(() => {
  calls = createInFlightCalls();
  ssh = createSshCalls({
    records: () => new Map([["box", BOX]]),
    connections: {
      withChannel: () => Promise.reject(new Error("none here")),
      ...{ refresh: () => undefined, retireKeys: () => undefined, destroyAll: () => undefined, size: 0 },
    },
    authorize: () => UNRESTRICTED,
    audit: { ready: () => undefined, record: () => undefined },
    calls,
    maxCallsPerToken: 2,
  });
});

describe("a call by SSH", () => {
  test("counts among its token's calls for as long as it runs", async () => {
    let finish: () => void = () => undefined;
    const waiting = new Promise<void>((resolve) => (finish = resolve));
    const running = [ssh.run(caller(), () => waiting), ssh.run(caller(), () => waiting)];
    await expect(ssh.run(caller(), () => Promise.resolve())).rejects.toMatchObject({ code: "rate_limited" });
    finish();
    await Promise.all(running);
    expect(calls.size).toBe(0);
    await ssh.run(caller(), () => Promise.resolve());
  });

  test("of a caller that is gone already is over from the start", async () => {
    const reason = await ssh.run(caller({ signal: AbortSignal.abort() }), (call) =>
      Promise.resolve(call.signal.reason as unknown),
    );
    expect(reason).toMatchObject({ message: "the caller went away" });
  });

  test("is ended from outside with the reason that was given", async () => {
    const ended = ssh.run(
      caller(),
      (call) =>
        new Promise((resolve) => call.signal.addEventListener("abort", () => resolve(call.signal.reason))),
    );
    const reason = new VaultProxyError("unauthorized", "this token was revoked");
    calls.end((call) => call.tokenDigest === "d1" && call.serviceName === "box", reason);
    expect(await ended).toBe(reason);
  });

  test("does not outlive a task that fails", async () => {
    await expect(ssh.run(caller(), () => Promise.reject(new Error("failed")))).rejects.toThrow("failed");
    expect(calls.size).toBe(0);
  });
});
