import { afterAll, beforeAll, expect, test } from "vitest";
import { startLiveVault, type LiveVault } from "../live/live-vault.js";
import { cli, temporaryDirectory } from "../live/processes.js";
import { call, type Answered } from "../live/vault-calls.js";

let vault: LiveVault;
let home: Awaited<ReturnType<typeof temporaryDirectory>>;
beforeAll(async () => {
  vault = await startLiveVault();
  home = await temporaryDirectory();
  await vault.addService("github", { type: "bearer", token: "upstream-secret-value" });
});
afterAll(async () => {
  await vault.close();
  await home.remove();
});

const run = (token: string, ...words: string[]): ReturnType<typeof cli> =>
  cli(words, { env: { HOME: home.path, VAULT_ADDR: vault.server.address, VAULT_TOKEN: token } });
const get = (token: string, path: string): Promise<Answered> =>
  call(vault.server.address, "GET", `/proxy/github${path}`, { token });
const admin = (method: string, target: string, body?: object): Promise<Answered> =>
  call(vault.server.address, method, target, {
    token: vault.admin,
    ...(body === undefined
      ? {}
      : { body: JSON.stringify(body), headers: { "content-type": "application/json" } }),
  });

const READ = { rules: [{ service: "github", methods: ["GET"], paths: ["/repos/**"] }] };

test("a token of the command line may do what its rule allows, and hands on a part of that", async () => {
  const made = await run(
    vault.admin,
    ...["token", "create", "--service", "github", "--method", "GET", "--path", "/repos/**"],
  );
  const parent = made.stdout.trim();
  expect((await get(parent, "/repos/a/b")).status).toBe(200);
  expect((await get(parent, "/user")).json).toMatchObject({ code: "policy_denied" });

  const part = ["--service", "github", "--method", "GET", "--path", "/repos/a/**"];
  const child = (await run(parent, "token", "child", ...part)).stdout.trim();
  expect((await get(child, "/repos/a/b")).status).toBe(200);
  expect((await get(child, "/repos/b")).status).toBe(403);
  const wider = await run(parent, "token", "child", "--service", "*");
  expect(wider).toMatchObject({ code: 1, stdout: "" });
  expect(wider.stderr).toContain("is not covered by the rules of the policy above");

  await run(vault.admin, "token", "revoke", `${parent.slice(0, 12)}...`, "--yes");
  expect((await get(child, "/repos/a/b")).status).toBe(401);
});

test("options take days and weeks, which the server knows as hours", async () => {
  const begin = Date.now();
  const words = ["token", "create", "--ttl", "7d", "--service", "github", "--cooldown", "1d", "--json"];
  const made = await run(vault.admin, ...words);
  expect(made.code, made.stderr).toBe(0);
  const { expires_at: expiresAt, policy } = JSON.parse(made.stdout) as { expires_at: string; policy: object };
  expect(Math.abs(Date.parse(expiresAt) - begin - 7 * 86_400_000)).toBeLessThan(60_000);
  expect(policy).toEqual({ rules: [{ service: "github", cooldown: "24h" }] });
  const token = (JSON.parse(made.stdout) as { id: string }).id;
  const child = await run(token, "token", "child", "--ttl", "1d", "--json");
  const { expires_at: childExpiresAt } = JSON.parse(child.stdout) as { expires_at: string };
  expect(Math.abs(Date.parse(childExpiresAt) - begin - 86_400_000)).toBeLessThan(60_000);
});

test("a changed policy holds for the very next call, one that is gone allows nothing", async () => {
  await admin("POST", "/policies", { name: "p", ...READ });
  const token = (await run(vault.admin, "token", "create", "--policy", "p")).stdout.trim();
  expect((await get(token, "/repos/a")).status).toBe(200);
  await admin("PUT", "/policies/p", { rules: [{ service: "github", paths: ["/user"] }] });
  expect((await get(token, "/repos/a")).status).toBe(403);
  expect((await get(token, "/user")).status).toBe(200);
  const refused = await run(vault.admin, "policy", "remove", "p", "--yes");
  expect(refused.stderr).toContain("1 token has this policy");
  await run(vault.admin, "policy", "remove", "p", "--yes", "--force");
  expect((await get(token, "/user")).status).toBe(403);
});

test("what `policy test` says of a call is what becomes of it", async () => {
  await admin("POST", "/policies", { name: "tested", ...READ });
  const token = (await run(vault.admin, "token", "create", "--policy", "tested")).stdout.trim();
  for (const path of ["/repos/a", "/user", "/repos/../user", "/repos/a%2e%2e/b", "/repos//a", "/repos/%61"]) {
    const { code } = await run(vault.admin, "policy", "test", "tested", "GET", "github", path);
    const { status } = await get(token, path);
    expect([path, status], path).toEqual([path, code === 0 ? 200 : 403]);
  }
});
