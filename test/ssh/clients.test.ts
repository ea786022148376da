import { execFile, spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { existsSync, readdirSync, readFileSync, statSync } from "node:fs";
import { chmod, mkdir, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { VaultClient } from "../../packages/client/dist/index.js";
import { pythonCommand } from "../../scripts/python-environment.mjs";
import { cleanEnvironment, temporaryDirectory } from "../live/processes.js";
import { startSshd, type RunningSshd } from "../real-servers/openssh.js";
import { makeSshKey } from "../real-servers/ssh-keys.js";
import { runCli } from "./cli-run.js";
import { startSshVault, type SshVault } from "./ssh-vault.js";

/*
 * Files by `vault-cli ssh upload|download`, and both SDKs, against a real server.
 */

const CLI = fileURLToPath(new URL("../../packages/cli/dist/main.js", import.meta.url));
const PYTHON_CLIENT = fileURLToPath(new URL("ssh_client.py", import.meta.url));

let vault: SshVault;
let sshd: RunningSshd;
let directory: Awaited<ReturnType<typeof temporaryDirectory>>;
let local: string;
let cases = 0;

beforeAll(async () => {
  const key = await makeSshKey();
  [vault, sshd, directory] = await Promise.all([
    startSshVault(),
    startSshd({ authorizedKeys: [key.publicLine] }),
    temporaryDirectory(),
  ]);
  await vault.addService("box", sshd, { key });
});

afterAll(async () => {
  await vault.close();
  await sshd.stop();
  await directory.remove();
});

beforeEach(async () => {
  cases += 1;
  local = join(directory.path, `case-${cases}`);
  await mkdir(local);
});

const remote = (name: string): string => join(sshd.home, name);
const environment = () => ({
  ...{ HOME: directory.path, VAULT_ADDR: vault.server.address, VAULT_TOKEN: vault.token },
});

async function run(args: readonly string[], stdin: string | Buffer = "") {
  const { code, stdout, stderr } = await runCli(["ssh", ...args], { env: environment(), cwd: local, stdin });
  return { code, stdout: stdout.toString(), stderr: stderr.toString(), bytes: stdout };
}

describe("vault-cli ssh upload", () => {
  test("sends a file, byte for byte, with its mode", async () => {
    const content = randomBytes(3_000_000);
    await writeFile(join(local, "app"), content);
    const ended = await run(["upload", "box", "app", remote("a/b/app bin'ü"), "--mode", "0750"]);
    expect(ended).toMatchObject({ code: 0, stderr: "" });
    expect(ended.stdout).toBe(`File uploaded to ${remote("a/b/app bin'ü")}: 2.9 MiB (3,000,000 bytes)\n`);
    expect(readFileSync(remote("a/b/app bin'ü")).equals(content)).toBe(true);
    expect(statSync(remote("a/b/app bin'ü")).mode & 0o777).toBe(0o750);
  });

  test("sends standard input", async () => {
    const ended = await run(["--json", "upload", "box", "-", remote("piped")], "from a pipe");
    expect(JSON.parse(ended.stdout)).toEqual({ ok: true, bytes: 11, remote_path: remote("piped") });
    expect(readFileSync(remote("piped"), "utf8")).toBe("from a pipe");
  });

  test.each<[string[], number, string]>([
    [["upload", "box", "missing", "/tmp/x"], 1, "cannot read missing"],
    [["upload", "box", ".", "/tmp/x"], 1, ". is no regular file"],
    [["upload", "box", "-", "/tmp/x", "--mode", "rw"], 2, '"rw" is no mode'],
    [["upload", "box", "-", "/etc/x"], 1, "remote_path"],
    [["upload", "nowhere", "-", "/srv/x"], 1, "no such service"],
    [["upload", "box", "-"], 2, "missing required argument 'remote path'"],
  ])("%j is told", async (args, code, sentence) => {
    expect(await run(args)).toMatchObject({ code, stderr: expect.stringContaining(sentence) as string });
  });
});

describe("vault-cli ssh download", () => {
  const content = randomBytes(2_000_000);
  beforeAll(() => writeFile(remote("data.bin"), content, { mode: 0o644 }));

  test("saves a file under its name, in a folder, under another name, or to standard output", async () => {
    const ended = await run(["download", "box", remote("data.bin")]);
    expect(ended).toMatchObject({ code: 0, stderr: "" });
    expect(ended.stdout).toBe(`File "${remote("data.bin")}" saved to data.bin: 1.9 MiB (2,000,000 bytes)\n`);
    await mkdir(join(local, "folder"));
    await run(["download", "box", remote("data.bin"), "folder"]);
    await run(["--json", "download", "box", remote("data.bin"), "other"]);
    for (const path of ["data.bin", "folder/data.bin", "other"]) {
      expect(readFileSync(join(local, path)).equals(content), path).toBe(true);
    }
    expect((await run(["download", "box", remote("data.bin"), "-"])).bytes.equals(content)).toBe(true);
  });

  test("replaces a file as a whole, keeps its permissions, and follows a link", async () => {
    await writeFile(join(local, "old"), "old");
    await chmod(join(local, "old"), 0o640);
    await symlink("old", join(local, "link"));
    expect(await run(["download", "box", remote("data.bin"), "link"])).toMatchObject({ code: 0 });
    expect(readFileSync(join(local, "old")).equals(content)).toBe(true);
    expect(statSync(join(local, "old")).mode & 0o777).toBe(0o640);
    expect(readdirSync(local).sort()).toEqual(["link", "old"]);
  });

  test("that fails leaves what was there, and nothing else", async () => {
    await writeFile(join(local, "old"), "old");
    const ended = await run(["download", "box", remote("missing"), "old"]);
    expect(ended.code).toBe(1);
    expect(readFileSync(join(local, "old"), "utf8")).toBe("old");
    expect(readdirSync(local)).toEqual(["old"]);
    expect((await run(["download", "box", `${sshd.home}/..`])).stderr).toContain(
      "name the file to save it to",
    );
    expect((await run(["download", "box", remote("data.bin"), "no/folder"])).stderr).toContain(
      "cannot write",
    );
  });

  test("that is interrupted leaves nothing", async () => {
    // It is being written while it is read: the other end of the pipe is nobody's.
    await promisify(execFile)("mkfifo", ["-m", "666", join(local, "pipe")]);
    const child = spawn(process.execPath, [CLI, "ssh", "download", "box", remote("data.bin"), "target"], {
      cwd: local,
      env: cleanEnvironment(environment()),
      stdio: "ignore",
    });
    const seen = async (): Promise<void> => {
      while (!readdirSync(local).some((name) => name.startsWith(".vault-cli-"))) {
        if (child.exitCode !== null) return;
        await new Promise((resolve) => setTimeout(resolve, 1));
      }
    };
    await seen();
    child.kill("SIGINT");
    const [code] = (await once(child, "close")) as [number | null];
    // It may have come to its end just before.
    expect(code === 130 ? existsSync(join(local, "target")) : code).toBe(code === 130 ? false : 0);
    expect(readdirSync(local).filter((name) => name.startsWith(".vault-cli-"))).toEqual([]);
  });
});

describe("the TypeScript client", () => {
  let client: VaultClient;
  beforeAll(() => {
    client = new VaultClient({ addr: vault.server.address, token: vault.token });
  });
  afterAll(() => client.close());

  test("runs commands", async () => {
    const result = await client.sshExec("box", "cat; echo err >&2; exit 3", {
      stdin: Uint8Array.of(0xff, 0),
    });
    expect(result).toMatchObject({ exit_code: 3, stdout_base64: "/wA=", stderr: "err\n", truncated: false });
    const timeout = client.sshExec("box", "sleep 600", { timeout: 0.3 });
    await expect(timeout).rejects.toMatchObject({ status: 504, code: "upstream_timeout" });
  });

  test("takes the largest result that there is", async () => {
    const result = await client.sshExec(
      "box",
      "head -c 11000000 /dev/zero; printf '\\377'; head -c 11000000 /dev/zero >&2",
    );
    expect(result.truncated).toBe(true);
    expect(Buffer.from(result.stdout)).toHaveLength(10 * 1024 * 1024);
    expect(Buffer.from(result.stderr)).toHaveLength(10 * 1024 * 1024);
  });

  test("has output as it comes, ends the remote process with the loop, and tells a time-out by its status", async () => {
    for await (const event of client.sshExecStream("box", "echo first; sleep 600")) {
      expect(event).toEqual({ type: "stdout", data: new TextEncoder().encode("first\n") });
      break;
    }
    await expect.poll(() => sshd.commands(), { timeout: 10_000 }).toEqual([]);
    const events = client.sshExecStream("box", "echo so far; sleep 600", { timeout: 0.3 });
    await events.next();
    await expect(events.next()).rejects.toMatchObject({ status: 504, code: "upstream_timeout" });
  });

  test("leaves nothing running at a server, whenever its caller goes away", async () => {
    await client.sshExec("box", "true");
    await writeFile(remote("left"), "x");
    const delays = Array.from({ length: 25 }, (_, delay) => delay);
    await Promise.all(
      delays.flatMap((delay) => {
        const options = () => ({ signal: AbortSignal.timeout(delay) });
        return [
          client.sshExec("box", "sleep 600", options()).catch(() => undefined),
          client.sshDownload("box", remote("left"), options()).catch(() => undefined),
        ];
      }),
    );
    await expect.poll(() => sshd.commands(), { timeout: 10_000 }).toEqual([]);
  });

  test("moves files", async () => {
    const uploaded = await client.sshUpload("box", remote("ts"), Buffer.from("from typescript"), {
      mode: 0o600,
    });
    expect(uploaded).toEqual({ ok: true, bytes: 15, remote_path: remote("ts") });
    expect(statSync(remote("ts")).mode & 0o777).toBe(0o600);
    expect(Buffer.from(await client.sshDownload("box", remote("ts"))).toString()).toBe("from typescript");
    await expect(client.sshDownload("box", remote("missing"))).rejects.toMatchObject({ status: 404 });
  });

  test("pins and clears host keys", async () => {
    const admin = new VaultClient({ addr: vault.server.address, token: vault.admin });
    const [key] = sshd.hostKeys();
    const pinned = await admin.setHostKey("box", key?.publicLine ?? "");
    expect(pinned.ssh_host_key_fingerprint).toMatch(/^SHA256:/);
    expect((await admin.clearHostKey("box")).ssh_connected).toBe(false);
    await expect(client.clearHostKey("box")).rejects.toMatchObject({ status: 403 });
    admin.close();
  });
});

test("the Python SDK does the same, blocking and with asyncio", async () => {
  const { stdout } = await promisify(execFile)(
    pythonCommand("python"),
    [PYTHON_CLIENT, vault.server.address, vault.token, remote("py")],
    { env: cleanEnvironment({}) },
  );
  const expected = {
    exec: [3, "ff00", "err\n"],
    first: "first\n",
    timeout: [504, "upstream_timeout"],
    uploaded: 12,
    downloaded: "from python\n",
    streamed: "from python\n",
    missing: [404, "not_found"],
  };
  expect(JSON.parse(stdout)).toEqual([expected, expected]);
  await expect.poll(() => sshd.commands(), { timeout: 10_000 }).toEqual([]);
  expect(statSync(remote("py")).mode & 0o777).toBe(0o600);
});
