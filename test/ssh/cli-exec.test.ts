import { spawn } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { cleanEnvironment, temporaryDirectory } from "../live/processes.js";
import { startSshd, type RunningSshd } from "../real-servers/openssh.js";
import { makeSshKey } from "../real-servers/ssh-keys.js";
import { runCli, type CliRun, type CliRunOptions } from "./cli-run.js";
import { startSshVault, type SshVault } from "./ssh-vault.js";

/*
 * `vault-cli ssh <service> <command…>` by the built program, against a real server.
 */

const CLI = fileURLToPath(new URL("../../packages/cli/dist/main.js", import.meta.url));

let vault: SshVault;
let sshd: RunningSshd;
let home: Awaited<ReturnType<typeof temporaryDirectory>>;
let env: Record<string, string>;

beforeAll(async () => {
  const key = await makeSshKey();
  [vault, sshd, home] = await Promise.all([
    startSshVault(),
    startSshd({ authorizedKeys: [key.publicLine] }),
    temporaryDirectory(),
  ]);
  await vault.addService("box", sshd, { key });
  env = { HOME: home.path, VAULT_ADDR: vault.server.address, VAULT_TOKEN: vault.token };
});

afterAll(async () => {
  await vault.close();
  await sshd.stop();
  await home.remove();
});

function ssh(args: readonly string[], options: Partial<CliRunOptions> = {}): Promise<CliRun> {
  return runCli(["ssh", ...args], { env, ...options });
}

function textOf({ code, stdout, stderr }: CliRun) {
  return { code, stdout: stdout.toString(), stderr: stderr.toString() };
}

describe("a command's", () => {
  test("exit code, standard output and standard error are those of vault-cli", async () => {
    const ended = await ssh(["box", "echo out; echo err >&2; exit 3"]);
    expect(textOf(ended)).toEqual({ code: 3, stdout: "out\n", stderr: "err\n" });
  });

  test("bytes come as they are on either stream", async () => {
    const every = Array.from({ length: 256 }, (_, byte) => `\\${byte.toString(8).padStart(3, "0")}`).join("");
    const ended = await ssh(["box", `printf '${every}'; printf '\\377\\000' >&2`]);
    expect(ended.stdout).toEqual(Buffer.from(Array.from({ length: 256 }, (_, byte) => byte)));
    expect(ended.stderr).toEqual(Buffer.from([0xff, 0x00]));
  });

  test("ending by a signal is 128 and its number", async () => {
    expect(await ssh(["box", "kill -KILL $$"])).toMatchObject({ code: 137 });
  });

  test("large output is cut at 10 MB a stream, which is told", async () => {
    const ended = await ssh(["box", "head -c 11000000 /dev/zero; echo end >&2"]);
    expect(ended.code).toBe(0);
    expect(ended.stdout.length).toBe(10 * 1024 * 1024);
    expect(ended.stderr.toString()).toBe(
      "end\nwarning: what the command put out beyond 10 MiB was dropped\n",
    );
  });
});

describe("what follows the service is the command:", () => {
  test.each<[string[], string]>([
    [["box", "echo", "--json", "-V", "--help"], "--json -V --help\n"],
    [["box", "--", "echo", "--", "a"], "-- a\n"],
    [["--", "box", "echo", "--addr"], "--addr\n"],
    [["box", "echo", "'a  b'", "c  d"], "a  b c d\n"],
    [["box", "printf %s", "-x"], "-x"],
  ])("%j", async (args, stdout) => {
    expect(textOf(await ssh(args))).toEqual({ code: 0, stdout, stderr: "" });
  });
});

describe("standard input", () => {
  test("is not read without --stdin: an inherited one cannot make a command wait", async () => {
    expect(textOf(await ssh(["box", "cat; echo done"]))).toEqual({ code: 0, stdout: "done\n", stderr: "" });
  });

  test("reaches the command with --stdin, byte for byte", async () => {
    const stdin = Buffer.from([0xff, 0x00, 0x0a, 0xc3]);
    expect((await ssh(["--stdin", "box", "cat"], { stdin })).stdout).toEqual(stdin);
  });

  test("may have 700 KiB, and not a byte more", async () => {
    const most = Buffer.alloc(700 * 1024, 0xff);
    expect(textOf(await ssh(["--stdin", "box", "wc -c"], { stdin: most })).stdout).toBe("716800\n");
    const refused = await ssh(["--stdin", "box", "wc -c"], {
      stdin: Buffer.concat([most, Buffer.from("x")]),
    });
    expect(refused.code).toBe(1);
    expect(refused.stderr.toString()).toContain("longer than the 700 KiB");
  });
});

function start(args: readonly string[]) {
  return spawn(process.execPath, [CLI, "ssh", ...args], {
    env: cleanEnvironment(env),
    stdio: ["ignore", "pipe", "pipe"],
  });
}

test("output comes while the command runs, and Ctrl-C ends the remote process too", async () => {
  const child = start(["box", "echo first; sleep 600; echo last"]);
  const [first] = (await once(child.stdout, "data")) as [Buffer];
  expect(first.toString()).toBe("first\n");
  expect(sshd.commands()).not.toEqual([]);
  child.kill("SIGINT");
  // Of which a shell makes 130.
  expect(await once(child, "close")).toEqual([null, "SIGINT"]);
  await expect.poll(() => sshd.commands(), { timeout: 10_000 }).toEqual([]);
});

test("a signal counts also while nobody reads the output", async () => {
  const child = start(["box", "yes"]);
  await once(child.stdout, "readable");
  // Until all is full on the way.
  await new Promise((resolve) => setTimeout(resolve, 300));
  child.kill("SIGTERM");
  expect(await once(child, "exit")).toEqual([null, "SIGTERM"]);
  await expect.poll(() => sshd.commands(), { timeout: 10_000 }).toEqual([]);
});

test("a command that takes too long ends with exit code 1 and a sentence, after what it had said", async () => {
  const ended = await ssh(["--timeout", "500ms", "box", "echo so far; sleep 600"]);
  expect(textOf(ended)).toEqual({
    code: 1,
    stdout: "so far\n",
    stderr: "error: the command did not end within 0.5 s\n",
  });
  await expect.poll(() => sshd.commands(), { timeout: 10_000 }).toEqual([]);
});

test("a forced command outlives its time-out: sshd takes no signals for one", async () => {
  const key = await makeSshKey();
  await sshd.authorize(`command="echo forced; exec sleep 600" ${key.publicLine}`);
  await vault.addService("forced", sshd, { key });
  const ended = await ssh(["--timeout", "300ms", "forced", "ignored"]);
  expect(textOf(ended)).toMatchObject({ code: 1, stdout: "forced\n" });
  const left = sshd.commands();
  expect(left).toHaveLength(1);
  for (const pid of left) process.kill(pid, "SIGKILL");
});

test("--json gives one object, and the exit code all the same", async () => {
  const ended = await ssh(["--json", "box", "printf 'a\\377'; exit 4"]);
  expect(ended.code).toBe(4);
  expect(JSON.parse(ended.stdout.toString())).toMatchObject({
    ...{ stdout: "a\u{fffd}", stdout_base64: "Yf8=", stderr: "", exit_code: 4, truncated: false },
  });
  expect(textOf(await runCli(["--json", "ssh", "box", "exit 5"], { env })).code).toBe(5);
});

test("a call that fails is told apart by its line on standard error", async () => {
  const unknown = await ssh(["nowhere", "uptime"]);
  expect(textOf(unknown)).toEqual({
    code: 1,
    stdout: "",
    stderr: expect.stringContaining("no such service") as string,
  });
  expect(textOf(await ssh(["--json", "nowhere", "uptime"])).stderr).toContain('"code":"not_found"');
});

test.each<[string[], string]>([
  [[], "missing required argument 'service'"],
  [["box", ""], "the command is empty"],
  [["--timeout", "301s", "box", "ls"], "--timeout must be above 0 and at most 300s"],
  [["--timeout", "0", "box", "ls"], "--timeout must be above 0"],
  [["--timeout", "soon", "box", "ls"], '"soon" is not a duration'],
  [["--nonsense", "box", "ls"], "unknown option '--nonsense'"],
])("%j is a usage error", async (args, sentence) => {
  const ended = await ssh(args);
  expect(ended.code).toBe(2);
  expect(ended.stderr.toString()).toContain(sentence);
});
