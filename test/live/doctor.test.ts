import { chmodSync, copyFileSync, existsSync, utimesSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { cli, PASSWORD, startServer, temporaryDirectory, type RunningServer } from "./processes.js";
import { makeCertificates, startUpstream, type Certificates, type Upstream } from "./tls-upstream.js";

interface Finding {
  check: string;
  status: "ok" | "warn" | "fail";
  message: string;
  mend?: string;
}

let certificates: Certificates;
let upstream: Upstream;
let directory: Awaited<ReturnType<typeof temporaryDirectory>>;
let server: RunningServer;
let session: string;

beforeAll(async () => {
  certificates = await makeCertificates();
  upstream = await startUpstream(certificates, (request, response) => {
    response.statusCode = request.url?.startsWith("/refused") === true ? 401 : 200;
    response.end();
  });
  directory = await temporaryDirectory();
  session = join(directory.path, ".vault-proxy", "session");
  server = await startServer({ dataDir: join(directory.path, "data") });
});

afterAll(async () => {
  await server.stop();
  await upstream.close();
  await directory.remove();
  await certificates.remove();
});

beforeEach(async () => {
  if (!existsSync(session)) await run(["unlock"], PASSWORD);
});

function run(args: readonly string[], stdin = "", env: Record<string, string> = {}) {
  return cli(args, {
    stdin,
    env: { HOME: directory.path, VAULT_ADDR: server.address, VAULT_DATA_DIR: server.dataDir, ...env },
  });
}

async function doctor(args: string[] = [], env: Record<string, string> = {}) {
  const { code, stdout } = await run(["doctor", "--json", ...args], "", env);
  const { ok, findings } = JSON.parse(stdout) as { ok: boolean; findings: Finding[] };
  expect(ok).toBe(code === 0);
  return { code, of: (check: string) => findings.filter((finding) => finding.check === check), findings };
}

test("a vault that is well has nothing but ok, as text and as JSON", async () => {
  const { code, findings } = await doctor();
  expect(findings.filter(({ status }) => status !== "ok")).toEqual([]);
  expect(code).toBe(0);
  expect(findings.map(({ check }) => check)).toEqual(
    expect.arrayContaining(["session", "data directory", "server", "version", "clock", "vault", "audit log"]),
  );
  const { stdout } = await run(["doctor"]);
  expect(stdout).toMatch(/^ok {4}session: /);
});

test("each trap is found, and told with its mend", async () => {
  const add = ["service", "add", "plain", "--type", "bearer", "--bearer-stdin", "--tls-skip-verify"];
  expect(await run([...add, "--base-url", `${upstream.origin}/refused`], "s3cret-0123")).toMatchObject({
    code: 0,
  });
  const { stdout: token } = await run(["token", "create", "--ttl", "1h", "--name", "bot"]);
  chmodSync(join(server.dataDir, "vault.enc"), 0o644);
  const backup = join(directory.path, "backup.enc");
  copyFileSync(join(server.dataDir, "vault.enc"), backup);
  chmodSync(backup, 0o600);
  utimesSync(backup, new Date("2026-01-01"), new Date("2026-01-01"));
  const { code, of } = await doctor(["--services", "--backup", backup]);
  expect(code).toBe(1);
  expect(of("data directory")).toMatchObject([
    { status: "fail", mend: expect.stringMatching(/^chmod 600 /) as string },
  ]);
  expect(of("backup")).toMatchObject([{ status: "warn" }]);
  expect(of("tls")).toMatchObject([{ status: "warn", message: expect.stringContaining("plain") as string }]);
  // A token that was just made is no trap, however short its life.
  expect(of("tokens")).toMatchObject([{ status: "ok" }]);
  expect(of("service plain")).toMatchObject([
    {
      status: "fail",
      message: "the API refused the credential (HTTP 401)",
      mend: "vault-cli service test plain",
    },
  ]);
  chmodSync(join(server.dataDir, "vault.enc"), 0o600);
  const own = await doctor([], { VAULT_TOKEN: token.trim() });
  expect(own.of("session")).toMatchObject([{ status: "warn", mend: "unset VAULT_TOKEN" }]);
  expect(own.of("token")).toMatchObject([{ status: "warn" }]);
  chmodSync(session, 0o644);
  expect((await doctor()).of("session")).toMatchObject([{ status: "fail" }]);
  chmodSync(session, 0o600);
});

test("it works where the vault is locked, and where nobody answers", async () => {
  await run(["lock"]);
  const locked = await doctor();
  expect(locked.code).toBe(0);
  expect(locked.of("vault")).toMatchObject([{ status: "warn", mend: "vault-cli unlock" }]);
  const down = await doctor(["--addr", "http://127.0.0.1:1"]);
  expect(down.code).toBe(1);
  expect(down.of("server")).toMatchObject([{ status: "fail", mend: "vault-cli up" }]);
});
