import {
  chmodSync,
  chownSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  readFileSync,
  readdirSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import {
  PASSWORD,
  cli,
  startServer,
  temporaryDirectory,
  type CliResult,
  type RunningServer,
} from "./processes.js";
import { addService, call, makeToken, unlock } from "./vault-calls.js";

const SECRET = "vault-S3cret-0123456789";
const NEW_PASSWORD = "another good horse";
const ONE_SENTENCE = "error: wrong password or damaged vault file\n";
/** With what shows of the file without a password. */
const ONE_SENTENCE_AND_HINT = expect.stringMatching(
  /^error: wrong password or damaged vault file: .*: (?:take another backup|`vault-cli vault restore .*\.bak --data-dir .*`)\n$/,
) as unknown as string;
const RECOVERY_KEY = /^[0-9A-HJKMNP-TV-Z]{4}(-[0-9A-HJKMNP-TV-Z]{4}){8}$/;

let directory: Awaited<ReturnType<typeof temporaryDirectory>>;
let dataDir: string;
let vaultFile: string;
const running: RunningServer[] = [];
/** Everything that any command has printed. */
let printed: string;

beforeEach(async () => {
  directory = await temporaryDirectory();
  dataDir = join(directory.path, "data");
  vaultFile = join(dataDir, "vault.enc");
  printed = "";
});

afterEach(async () => {
  await Promise.all(running.splice(0).map((server) => server.stop("SIGKILL")));
  for (const secret of [SECRET, PASSWORD, NEW_PASSWORD]) expect(printed).not.toContain(secret);
  await directory.remove();
});

async function start(): Promise<RunningServer> {
  const server = await startServer({ dataDir });
  running.push(server);
  return server;
}

/** vault-cli beside the data directory; `input` are the lines of its standard input. */
async function run(args: readonly string[], ...input: string[]): Promise<CliResult> {
  const env = {
    HOME: directory.path,
    VAULT_DATA_DIR: dataDir,
    ...(running[0] === undefined ? {} : { VAULT_ADDR: running[0].address }),
  };
  const result = await cli(args, { env, stdin: input.map((line) => `${line}\n`).join("") });
  printed += result.stdout + result.stderr;
  return result;
}

const room = (name: string): string => join(directory.path, name);

/** An unlocked vault with a service, a stored file and a token; the session is the command line's. */
async function makeVault(): Promise<{ server: RunningServer; admin: string; token: string }> {
  const server = await start();
  expect(await run(["unlock"], PASSWORD)).toMatchObject({ code: 0 });
  const admin = await unlock(server);
  const definition = {
    name: "api",
    base_url: "https://api.example",
    auth: { type: "bearer", token: SECRET },
  };
  await addService(server, admin, definition);
  writeFileSync(room("key.pem"), SECRET, { mode: 0o600 });
  expect(await run(["file", "upload", "key.pem", room("key.pem")])).toMatchObject({ code: 0 });
  return { server, admin, token: await makeToken(server, admin) };
}

async function stop(server: RunningServer): Promise<void> {
  running.splice(running.indexOf(server), 1);
  expect(await server.stop()).toBe(0);
}

/** The same file with one bit of its last stored byte tipped. */
function damage(from: string, to: string): string {
  const bytes = readFileSync(from);
  const at = bytes.length - 200;
  bytes[at] = (bytes[at] ?? 0) ^ 1;
  writeFileSync(to, bytes);
  return to;
}

describe("vault info", () => {
  test("shows what stands in clear, and no secret, beside a running server", async () => {
    await makeVault();
    const { code, stdout, stderr } = await run(["vault", "info"]);
    expect(code).toBe(0);
    expect(stderr).toBe("not verified: run `vault-cli vault verify`\n");
    expect(stdout).toContain(`file:       ${vaultFile}\n`);
    expect(stdout).toMatch(/^format: +1$/m);
    expect(stdout).toMatch(/^key slot: +password, Argon2id with 64 MiB, t = 3, p = 4 \([0-9a-f]{32}\)$/m);
    expect(stdout).toMatch(/^segments: +3: state, 1 file, trailer$/m);
    expect(stdout).toMatch(/^files: +23 bytes$/m);
    expect(stdout).toMatch(/^beside it: .*vault\.enc\.bak, generation \d+, /m);
    expect(stdout).not.toContain("api");
    const json = JSON.parse((await run(["vault", "info", vaultFile, "--json"])).stdout) as object;
    expect(json).toMatchObject({ format: 1, verified: false, files: { count: 1, bytes: SECRET.length } });
    expect(json).toMatchObject({ beside: [{ path: `${vaultFile}.bak`, format: 1 }] });
  });

  test("says what is no vault file, or none at all", async () => {
    writeFileSync(room("text"), "no vault");
    for (const [path, says] of [
      [room("text"), "is no complete vault file: not a vault file"],
      [room("none"), `there is no file ${room("none")}`],
      [directory.path, "is no regular file"],
    ] as const) {
      const { code, stdout, stderr } = await run(["vault", "info", path]);
      expect({ code, stdout }).toEqual({ code: 1, stdout: "" });
      expect(stderr).toContain(says);
    }
    const none = await run(["vault", "info", "--data-dir", room("nowhere"), "--json"]);
    expect(JSON.parse(none.stderr)).toMatchObject({ code: "not_found" });
  });
});

describe("vault verify", () => {
  test("opens everything, beside a running server", async () => {
    await makeVault();
    const verified = await run(["vault", "verify"], PASSWORD);
    expect(verified).toMatchObject({ code: 0, stderr: "" });
    expect(verified.stdout).toMatch(
      /^Vault file is whole\.\ngeneration \d+: 1 service, 1 file, 3 tokens, 0 policies\n$/,
    );
    writeFileSync(room("password"), `${PASSWORD}\n`, { mode: 0o600 });
    const { stdout } = await run(["vault", "verify", "--json", "--password-file", room("password")]);
    expect(JSON.parse(stdout)).toMatchObject({ status: "ok", path: vaultFile, services: 1, files: 1 });
  });

  test("has one answer for a wrong password, a damaged file and a cut one", async () => {
    await makeVault();
    writeFileSync(room("cut"), readFileSync(vaultFile).subarray(0, -1));
    damage(vaultFile, room("damaged"));
    for (const [path, password] of [
      [vaultFile, "wrong horse battery"],
      [room("damaged"), PASSWORD],
      [room("cut"), PASSWORD],
    ] as const) {
      expect(await run(["vault", "verify", path], password)).toEqual({
        code: 1,
        stdout: "",
        stderr: ONE_SENTENCE_AND_HINT,
      });
    }
    expect((await run(["vault", "verify", room("none")])).stderr).toContain("there is no file");
    expect((await run(["vault", "verify"])).stderr).toBe(
      "error: no password was given: give it on standard input, or by --password-file\n",
    );
  });
});

describe("vault backup", () => {
  test("copies the vault of a running server while it writes, and each copy is whole", async () => {
    const { server, admin } = await makeVault();
    const over = new AbortController();
    const writing = (async () => {
      for (let turn = 0; !over.signal.aborted; turn += 1)
        await makeToken(server, admin, { name: `t${turn}` });
    })();
    const generations: number[] = [];
    for (let turn = 0; turn < 5; turn += 1) {
      const path = room(`backup-${turn}`);
      const made = await run(["vault", "backup", path, "--json"], PASSWORD);
      expect(made).toMatchObject({ code: 0, stderr: "" });
      const { generation, verified } = JSON.parse(made.stdout) as { generation: number; verified: boolean };
      expect(verified).toBe(true);
      generations.push(generation);
      expect(statSync(path).mode & 0o777).toBe(0o600);
      expect(await run(["vault", "verify", path], PASSWORD)).toMatchObject({ code: 0 });
    }
    over.abort();
    await writing;
    expect(new Set(generations).size).toBe(5);
    expect(readdirSync(directory.path).filter((name) => name.endsWith(".tmp"))).toEqual([]);
  });

  test("makes no file of a wrong password or a damaged vault", async () => {
    const { server } = await makeVault();
    const wrong = await run(["vault", "backup", room("backup")], "wrong horse battery");
    expect(wrong).toEqual({ code: 1, stdout: "", stderr: ONE_SENTENCE });
    await stop(server);
    copyFileSync(vaultFile, room("good"));
    damage(room("good"), vaultFile);
    expect(await run(["vault", "backup", room("backup")], PASSWORD)).toMatchObject({ stderr: ONE_SENTENCE });
    expect(existsSync(room("backup"))).toBe(false);
  });

  test("replaces no file unless told to, and never the vault", async () => {
    await makeVault();
    writeFileSync(room("mine"), "mine");
    expect(await run(["vault", "backup", room("mine")], PASSWORD)).toEqual({
      code: 1,
      stdout: "",
      stderr: `error: ${room("mine")} is there already: pass --force to replace it\n`,
    });
    expect(readFileSync(room("mine"), "utf8")).toBe("mine");
    const before = readFileSync(vaultFile);
    const onItself = await run(["vault", "backup", join(dataDir, "..", "data", "vault.enc"), "-f"], PASSWORD);
    expect(onItself.stderr).toContain("belongs to the vault itself");
    expect(readFileSync(vaultFile)).toEqual(before);
    expect((await run(["vault", "backup", room("none/backup")], PASSWORD)).stderr).toContain(
      `the directory ${room("none")} is not there`,
    );
    expect(await run(["vault", "backup", room("mine"), "--force"], PASSWORD)).toMatchObject({ code: 0 });
    expect(readFileSync(room("mine"))).toEqual(before);
  });

  test("without a password checks the form, and says so", async () => {
    await makeVault();
    const made = await run(["vault", "backup", room("backup"), "--frame-only"]);
    expect(made).toMatchObject({
      code: 0,
      stderr: "warning: only its form was checked, not what is sealed in it\n",
    });
    expect(await run(["vault", "verify", room("backup")], PASSWORD)).toMatchObject({ code: 0 });
    const both = await run(["vault", "backup", room("x"), "--frame-only", "--password-file", room("p")]);
    expect(both.code).toBe(2);
  });
});

describe("vault restore", () => {
  test("is refused while a server runs there; afterwards the server unlocks what it brought back", async () => {
    const { server, admin, token } = await makeVault();
    expect(await run(["vault", "backup", room("backup")], PASSWORD)).toMatchObject({ code: 0 });
    await call(server.address, "DELETE", `/tokens/${token}`, { token: admin });
    expect(await run(["service", "remove", "api"])).toMatchObject({ code: 0 });
    const early = await run(["vault", "restore", room("backup")], PASSWORD);
    expect(early).toMatchObject({ code: 1, stdout: "" });
    expect(early.stderr).toContain(`(pid ${server.pid}) uses this data directory: stop it first`);
    await stop(server);

    const before = readFileSync(vaultFile);
    const restored = await run(["vault", "restore", room("backup")], PASSWORD);
    expect(restored.code).toBe(0);
    expect(restored.stdout).toContain(`Vault restored to ${vaultFile}.\ngeneration `);
    expect(restored.stderr).toContain(`kept as ${vaultFile}.replaced`);
    expect(restored.stderr).toContain("warning: the password, the recovery key and the tokens");
    expect(readFileSync(`${vaultFile}.replaced`)).toEqual(before);
    expect(statSync(vaultFile).mode & 0o777).toBe(0o600);

    const again = await start();
    await unlock(again);
    const services = await call(again.address, "GET", "/services", { token });
    expect(services).toMatchObject({ status: 200, json: [{ name: "api" }] });
    const file = await call(again.address, "GET", "/files/key.pem", { token: admin });
    expect(file.text).toBe(SECRET);
  });

  test("changes nothing for a wrong password, a damaged backup, a missing one, or a second time", async () => {
    const { server } = await makeVault();
    expect(await run(["vault", "backup", room("backup")], PASSWORD)).toMatchObject({ code: 0 });
    await stop(server);
    const before = readFileSync(vaultFile);
    const names = readdirSync(dataDir);
    damage(room("backup"), room("damaged"));
    for (const [args, password, says] of [
      [[room("backup")], "wrong horse battery", ONE_SENTENCE_AND_HINT],
      [[room("damaged")], PASSWORD, ONE_SENTENCE_AND_HINT],
      [[room("none")], PASSWORD, `error: there is no file ${room("none")}\n`],
    ] as const) {
      expect(await run(["vault", "restore", ...args], password)).toEqual({
        code: 1,
        stdout: "",
        stderr: says,
      });
    }
    expect(readFileSync(vaultFile)).toEqual(before);
    expect(readdirSync(dataDir)).toEqual(names);
    const elsewhere = await run(["vault", "restore", room("damaged"), "--data-dir", room("new")], PASSWORD);
    expect(elsewhere.code).toBe(1);
    expect(existsSync(room("new"))).toBe(false);

    expect(await run(["vault", "restore", room("backup")], PASSWORD)).toMatchObject({ code: 0 });
    const second = await run(["vault", "restore", room("backup")], PASSWORD);
    expect(second).toMatchObject({ code: 1, stdout: "" });
    expect(second.stderr).toContain("kept by an earlier restore, is still there");
    expect(second.stderr).toContain("--force gives it up");
    expect(readFileSync(`${vaultFile}.replaced`)).toEqual(before);
    expect(await run(["vault", "restore", room("backup"), "--force"], PASSWORD)).toMatchObject({ code: 0 });
  });

  test("makes a data directory where there is none, for a new machine", async () => {
    const { server } = await makeVault();
    expect(await run(["vault", "backup", room("backup")], PASSWORD)).toMatchObject({ code: 0 });
    await stop(server);
    dataDir = room("machine/data");
    expect(await run(["vault", "restore", room("backup")], PASSWORD)).toMatchObject({ code: 0 });
    expect(statSync(dataDir).mode & 0o777).toBe(0o700);
    await unlock(await start());
  });

  test("gives the vault to the user whose directory it is", async () => {
    const { server } = await makeVault();
    expect(await run(["vault", "backup", room("backup")], PASSWORD)).toMatchObject({ code: 0 });
    await stop(server);
    mkdirSync(room("shared"));
    chmodSync(room("shared"), 0o777);
    if (process.geteuid?.() === 0) chownSync(room("shared"), 65_534, 65_534);
    const restored = await run(["vault", "restore", room("backup"), "--data-dir", room("shared")], PASSWORD);
    expect(restored.stderr).toContain("warning: other users can write to the data directory");
    const { uid, gid } = statSync(room("shared"));
    expect(statSync(room("shared/vault.enc"))).toMatchObject({ uid, gid });
  });
});

describe("password change and recovery key", () => {
  test("after a change only the new password opens, and tokens still work", async () => {
    const { server, token } = await makeVault();
    expect(await run(["vault", "backup", room("backup")], PASSWORD)).toMatchObject({ code: 0 });
    const changed = await run(["password", "change"], PASSWORD, NEW_PASSWORD);
    expect(changed).toMatchObject({ code: 0, stdout: "Password changed.\n" });
    expect(await run(["vault", "verify"], PASSWORD)).toMatchObject({
      stderr: expect.stringContaining("wrong password") as string,
    });
    expect(await run(["vault", "verify"], NEW_PASSWORD)).toMatchObject({ code: 0 });
    expect(await run(["vault", "verify", room("backup")], PASSWORD)).toMatchObject({ code: 0 });
    expect((await call(server.address, "GET", "/services", { token })).status).toBe(200);
    await stop(server);
    const again = await start();
    expect(await run(["unlock"], NEW_PASSWORD)).toMatchObject({ code: 0 });
    expect((await call(again.address, "GET", "/services", { token })).status).toBe(200);
    const wrong = await run(["password", "change"], PASSWORD, "yet another horse");
    expect(wrong).toEqual({ code: 1, stdout: "", stderr: ONE_SENTENCE });
    const short = await run(["password", "change"], NEW_PASSWORD, "short");
    expect(short.stderr).toContain("at least 8 characters");
  });

  test("a lost password is replaced by means of the recovery key", async () => {
    const { server } = await makeVault();
    const made = await run(["vault", "recovery-key"], PASSWORD);
    expect(made.code).toBe(0);
    const key = made.stdout.trim();
    expect(key).toMatch(RECOVERY_KEY);
    expect((await run(["vault", "info"])).stdout).toMatch(/^key slot: +recovery key/m);
    expect(await run(["vault", "verify"], key.toLowerCase().replaceAll("-", ""))).toMatchObject({ code: 0 });
    const mistyped = `${key.startsWith("A") ? "B" : "A"}${key.slice(1)}`;
    expect((await run(["unlock"], mistyped)).stderr).toContain("mistyped");
    await stop(server);

    await start();
    expect(await run(["unlock"], key)).toMatchObject({ code: 0 });
    expect(await run(["password", "change"], key, NEW_PASSWORD)).toMatchObject({ code: 0 });
    expect(await run(["vault", "verify"], NEW_PASSWORD)).toMatchObject({ code: 0 });
    expect(await run(["vault", "verify"], key)).toMatchObject({ code: 0 });
    expect(readFileSync(vaultFile, "latin1")).not.toContain(key.replaceAll("-", ""));
    expect(running[0]?.log()).not.toContain(key);

    const next = await run(["vault", "recovery-key"], NEW_PASSWORD);
    expect(next.code).toBe(0);
    expect(await run(["vault", "verify"], key)).toMatchObject({
      stderr: expect.stringContaining("wrong password") as string,
    });
  });
});
