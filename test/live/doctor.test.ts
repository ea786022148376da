import {
  chmodSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  readFileSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
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
    expect.arrayContaining([
      "session",
      "data directory",
      "server",
      "version",
      "clock",
      "vault",
      "audit log",
      "disk",
    ]),
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
      mend: "vault-cli service update plain",
    },
  ]);
  chmodSync(join(server.dataDir, "vault.enc"), 0o600);
  const own = await doctor([], { VAULT_TOKEN: token.trim() });
  expect(own.of("session")).toMatchObject([{ status: "warn", mend: "unset VAULT_TOKEN" }]);
  expect(own.of("token")).toMatchObject([
    { status: "warn", mend: expect.stringContaining("unset VAULT_TOKEN") as string },
  ]);
  chmodSync(session, 0o644);
  expect((await doctor()).of("session")).toMatchObject([{ status: "fail" }]);
  chmodSync(session, 0o600);
});

test("a backup that is no vault file fails, and of an API that nobody serves it says what to look at", async () => {
  const bad = join(directory.path, "bad.enc");
  for (const content of ["", "x\n"]) {
    writeFileSync(bad, content, { mode: 0o600 });
    const { code, of } = await doctor(["--backup", bad]);
    expect(code).toBe(1);
    expect(of("backup")).toMatchObject([{ status: "fail", mend: `vault-cli vault backup ${bad} --force` }]);
  }
  const add = ["service", "add", "nobody", "--type", "bearer", "--bearer-stdin", "--allow-private"];
  await run([...add, "--base-url", "http://127.0.0.1:1"], "s3cret-0123");
  expect((await doctor(["--services"])).of("service nobody")).toMatchObject([
    { status: "fail", mend: expect.stringContaining("is the server online") as string },
  ]);
  await run(["service", "remove", "nobody", "--yes"]);
});

test("of a damaged vault file the version beside it is named", async () => {
  const vaultFile = join(directory.path, "damaged", "vault.enc");
  mkdirSync(join(directory.path, "damaged"), { mode: 0o700 });
  const whole = readFileSync(join(server.dataDir, "vault.enc"));
  const middle = Math.floor(whole.length / 2);
  const damaged = Buffer.from(whole);
  damaged[middle] = (damaged[middle] ?? 0) ^ 0xff;
  writeFileSync(vaultFile, damaged, { mode: 0o600 });
  const verify = ["vault", "verify", vaultFile];
  const mended = `vault-cli vault restore ${vaultFile}.bak --data-dir ${join(directory.path, "damaged")}`;
  const refusal = "wrong password or damaged vault file: if the password is right, the file is damaged:";
  expect((await run(verify, PASSWORD)).stderr).toBe(`error: ${refusal} take another backup\n`);
  writeFileSync(`${vaultFile}.bak`, whole, { mode: 0o600 });
  expect((await run(verify, PASSWORD)).stderr).toBe(`error: ${refusal} \`${mended}\`\n`);
  writeFileSync(vaultFile, "", { mode: 0o600 });
  expect((await run(verify, PASSWORD)).stderr).toContain(`not a vault file: \`${mended}\``);
  const { of } = await doctor(["--data-dir", join(directory.path, "damaged")]);
  expect(of("vault file")).toMatchObject([{ status: "fail", mend: mended }]);
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
