import { once } from "node:events";
import { readFile } from "node:fs/promises";
import { connect } from "node:net";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { setTimeout as delay } from "node:timers/promises";
import { afterAll, beforeAll, expect, test } from "vitest";
import { AUDIT_ACTIONS } from "../../packages/server/src/audit/audit-action.js";
import { PASSWORD } from "../live/processes.js";
import { startUpstream, type Upstream } from "../live/tls-upstream.js";
import { call, makeToken, type Answered } from "../live/vault-calls.js";
import { startSshd, type RunningSshd } from "../real-servers/openssh.js";
import { makeSshKey } from "../real-servers/ssh-keys.js";
import { sendForm } from "./moved-files.js";
import { openShell } from "./shell-client.js";
import { startSshVault, type SshVault } from "./ssh-vault.js";

const DOCUMENT = fileURLToPath(new URL("../../docs/audit.md", import.meta.url));
/** What the log writes of itself. */
const OWN = ["audit.file", "audit.torn", "audit.lost", "audit.cut_off", "audit.late", "audit.tampered"];
/** Each counts once against the token that sends it, and the third suspends that. */
const SECRETS_OF_OTHERS = [1, 2, 3].map((number) => `sk-of-another-service-0123456789-${number}`);

let vault: SshVault;
let sshd: RunningSshd;
let upstream: Upstream;
beforeAll(async () => {
  const key = await makeSshKey();
  [vault, sshd, upstream] = await Promise.all([
    startSshVault(),
    startSshd({ login: "key", authorizedKeys: [key.publicLine] }),
    startUpstream(undefined),
  ]);
  await vault.addService("box", sshd, { key });
});
afterAll(async () => {
  await vault.close();
  await Promise.all([sshd.stop(), upstream.close()]);
});

interface Line {
  readonly action: string;
  readonly service?: string;
  readonly decision: string;
  readonly code?: string;
  readonly bytes_in?: number;
  readonly justification?: string;
  readonly details?: Readonly<Record<string, unknown>>;
}

async function lines(): Promise<Line[]> {
  const text = await readFile(join(vault.server.dataDir, "audit.jsonl"), "utf8");
  return text
    .trimEnd()
    .split("\n")
    .map((line) => JSON.parse(line) as Line);
}

async function as(token: string, method: string, path: string, body?: object): Promise<Answered> {
  const answer = await call(vault.server.address, method, path, {
    token,
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  return answer;
}

const done = async (method: string, path: string, body?: object): Promise<Answered> => {
  const answer = await as(vault.admin, method, path, body);
  expect(answer.status, `${method} ${path}: ${answer.text}`).toBeLessThan(300);
  return answer;
};

test("the page on the audit log has every action in its table, and no other", async () => {
  const page = await readFile(DOCUMENT, "utf8");
  const table = page.slice(page.indexOf("## Actions"), page.indexOf("## Verify it"));
  const named = [...table.matchAll(/^\| `([a-z_.]+)`/gm)].map(([, action]) => action);
  expect(named.toSorted()).toEqual([...Object.keys(AUDIT_ACTIONS), ...OWN].toSorted());
});

test("whatever is done is recorded under its action: what was changed, and no value", async () => {
  const api = { name: "api", base_url: upstream.origin, allow_private: true };
  await done("POST", "/services", { ...api, auth: { type: "bearer", token: "sk-of-the-api-0123456789" } });
  await done("PUT", "/services/api", { ...api, description: "changed", auth: { type: "bearer" } });
  for (const [index, token] of SECRETS_OF_OTHERS.entries())
    await done("POST", "/services", { ...api, name: `other${index}`, auth: { type: "bearer", token } });
  await done("GET", "/files/box.key");
  await done("POST", "/policies", { name: "reading", rules: [{ service: "api", methods: ["GET"] }] });
  await done("PUT", "/policies/reading", { rules: [{ service: "api" }] });
  const limited = await makeToken(vault.server, vault.admin, { name: "limited", policy: "reading" });
  expect((await as(limited, "GET", "/proxy/api/x?key=value")).status).toBe(200);
  expect((await as(limited, "POST", "/tokens/self/children", { name: "child" })).status).toBe(201);
  expect((await as(limited, "GET", "/tokens")).status).toBe(403);

  // A command, files and a shell; the first connection keeps the host key.
  await vault.exec("box", "exit 3");
  const form = await sendForm(vault, "box", [
    ["justification", "weekly triage"],
    ["mode", "0600"],
    ["remote_path", join(sshd.home, "uploaded")],
    ["file", Buffer.from("content")],
  ]);
  expect(form.status, form.text).toBe(200);
  const download = { remote_path: join(sshd.home, "uploaded") };
  expect((await vault.post("/ssh/box/download", download)).status).toBe(200);
  const shell = await openShell(vault.server.address, "/ssh/box/session", vault.token);
  shell.type("exit\n");
  await shell.closed;
  const { ssh_host_key } = (await vault.get("/services/box")).json as { ssh_host_key: string };
  await done("PUT", "/services/box/host-key", { host_key: ssh_host_key });
  await done("DELETE", "/services/box/host-key");

  // A session at a server that is not there.
  await done("POST", "/services", {
    ...{ name: "cache", allow_private: true },
    auth: { type: "redis", redis_host: "127.0.0.1", redis_port: 1, redis_password: "pw-of-the-cache-1" },
  });
  const opened = (await vault.post("/redis/cache/session", {})).json as { addr: string };
  const client = connect({ host: "127.0.0.1", port: Number(opened.addr.split(":")[1]) });
  client.on("error", () => undefined).resume();
  await once(client, "close");
  await done("DELETE", "/services/cache");

  // Logins and refreshes, of which the provider says no.
  const provider = { client_id: "c", token_url: `${upstream.origin}/token` };
  await done("POST", "/auth/oauth2/authorize", {
    ...{ service_name: "login", base_url: upstream.origin, allow_private: true },
    ...{ ...provider, auth_url: `${upstream.origin}/authorize` },
  });
  await done("POST", "/services", {
    ...{ ...api, name: "refreshed" },
    auth: { ...provider, type: "oauth2_client", grant: "refresh_token", refresh_token: "rt-0123456789ab" },
  });
  await as(vault.token, "GET", "/proxy/refreshed/x");

  const guessing = await makeToken(vault.server, vault.admin, { name: "guessing" });
  for (const stolen of SECRETS_OF_OTHERS) await as(guessing, "POST", "/proxy/api/x", { stolen });
  await done("POST", `/tokens/${guessing}/resume`);
  await done("DELETE", `/tokens/${limited}`);
  await done("DELETE", "/policies/reading");
  await done("DELETE", "/files/box.key");
  await done("POST", "/auth/recovery-key", { password: PASSWORD });
  await done("POST", "/auth/password", { current: PASSWORD, new: `${PASSWORD}!` });
  await done("POST", "/auth/password", { current: `${PASSWORD}!`, new: PASSWORD });
  await done("POST", "/auth/lock", {});
  await call(vault.server.address, "POST", "/auth/unlock", { body: '{"password":"a wrong one"}' });
  await call(vault.server.address, "POST", "/auth/unlock", { body: '{"password":"too early"}' });
  await delay(1100);
  await vault.unlock();
  expect(await vault.server.stop()).toBe(0);

  const recorded = await lines();
  const of = (action: string): Line[] => recorded.filter((line) => line.action === action);
  const missing = Object.keys(AUDIT_ACTIONS).filter((action) => of(action).length === 0);
  // It tells of a run without a log.
  expect(missing).toEqual(["audit.off"]);
  expect(of("service.update")[0]?.details).toMatchObject({
    changed: expect.stringContaining("description") as unknown,
  });
  expect(of("ssh.exec")[0]).toMatchObject({ details: { command: "exit 3", exit_code: 3 } });
  expect(of("ssh.upload")[0]).toMatchObject({
    ...{ justification: "weekly triage", bytes_in: 7 },
    details: { remote_path: join(sshd.home, "uploaded"), mode: "0600" },
  });
  expect(of("host_key.pin")[0]).toMatchObject({ service: "box", details: { first_use: true } });
  expect(of("host_key.clear")[0]?.details).toEqual({
    fingerprint: of("host_key.pin")[0]?.details?.fingerprint,
  });
  expect(of("oauth.login")[0]).toMatchObject({
    service: "login",
    details: { flow: "browser", step: "start" },
  });
  expect(of("oauth.refresh")[0]).toMatchObject({ service: "refreshed" });
  expect(of("oauth.refresh")[0]?.code).toMatch(/^oauth2_/);
  expect(of("token.revoke")[0]?.details).toMatchObject({ target_name: "limited", descendants: 1 });
  expect(of("session.connection")[0]).toMatchObject({ decision: "deny", service: "cache" });
  expect(of("session.close")[0]).toMatchObject({ bytes_in: 0 });
  expect(of("unlock").map(({ decision, code }) => [decision, code])).toEqual([
    ["allow", undefined],
    ["deny", "unauthorized"],
    ["deny", "rate_limited"],
    ["allow", undefined],
  ]);
}, 120_000);
