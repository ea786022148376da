import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { temporaryDirectory } from "../live/processes.js";
import { startSshd, type RunningSshd } from "../real-servers/openssh.js";
import { makeSshKey } from "../real-servers/ssh-keys.js";
import { runCli } from "./cli-run.js";
import { startSshVault, type SshVault } from "./ssh-vault.js";

/*
 * `vault-cli service add|list|show|test` and `service host-key show|pin|clear` of servers that are reached by SSH.
 */

let vault: SshVault;
let sshd: RunningSshd;
let home: Awaited<ReturnType<typeof temporaryDirectory>>;

let at: string[];

const PASSPHRASE = "open sesame 42";

beforeAll(async () => {
  const [plain, encrypted] = await Promise.all([makeSshKey(), makeSshKey({ passphrase: PASSPHRASE })]);
  [vault, sshd, home] = await Promise.all([
    startSshVault(),
    startSshd({ login: "key-or-password", authorizedKeys: [plain.publicLine, encrypted.publicLine] }),
    temporaryDirectory(),
  ]);
  await Promise.all([
    writeFile(join(home.path, "plain"), plain.privateKey, { mode: 0o600 }),
    writeFile(join(home.path, "encrypted"), encrypted.privateKey, { mode: 0o600 }),
  ]);
  at = ["--ssh-host", `${sshd.host}:${sshd.port}`, "--ssh-user", sshd.user, "--allow-private"];
});

afterAll(async () => {
  await vault.close();
  await sshd.stop();
  await home.remove();
});

async function run(
  args: readonly string[],
  stdin = "",
): Promise<{ code: unknown; stdout: string; stderr: string }> {
  const env = { HOME: home.path, VAULT_ADDR: vault.server.address, VAULT_TOKEN: vault.admin };
  const { code, stdout, stderr } = await runCli(args, { env, cwd: home.path, stdin });
  return { code, stdout: stdout.toString(), stderr: stderr.toString() };
}

async function succeed(args: readonly string[], stdin = ""): Promise<{ stdout: string; stderr: string }> {
  const { code, ...said } = await run(args, stdin);
  expect(code, `${args.join(" ")}: ${said.stderr}`).toBe(0);
  return said;
}

describe("a service is added, and tested,", () => {
  test("with a private key of this machine, which the vault stores", async () => {
    const added = await succeed(["service", "add", "plain", ...at, "--ssh-key-file", "plain"]);
    expect(added.stdout).toBe("Service added.\n");
    expect(added.stderr).toBe("Try it: vault-cli service test plain\n");
    expect((await succeed(["file", "list"])).stdout).toContain("plain.key");
    const tested = await succeed(["service", "test", "plain"]);
    expect(tested.stdout).toBe(`plain: ok (logged in to ${sshd.user}@${sshd.host}:${sshd.port})\n`);
    expect(tested.stderr).toContain("Its host key: SHA256:");
  });

  test("with an encrypted key and its passphrase", async () => {
    const add = ["service", "add", "locked", ...at, "--ssh-key-file", "encrypted"];
    expect((await run(add)).stderr).toContain("no secret was given");
    await succeed([...add, "--ssh-passphrase-stdin"], `${PASSPHRASE}\n`);
    expect((await succeed(["ssh", "locked", "echo", "in"])).stdout).toBe("in\n");
  });

  test("with a key that the vault has, encrypted or not", async () => {
    await succeed(["file", "upload", "mine", "plain"]);
    await succeed(["service", "add", "ref", ...at, "--ssh-key-file-ref", "mine"]);
    await succeed(["file", "upload", "mine2", "encrypted"]);
    const add = ["service", "add", "ref2", ...at, "--ssh-key-file-ref", "mine2"];
    await succeed([...add, "--secret-stdin"], `${PASSPHRASE}\n`);
    await succeed(["service", "test", "ref"]);
    await succeed(["service", "test", "ref2"]);
  });

  test("with a password", async () => {
    await succeed(["service", "add", "pw", ...at, "--ssh-password-stdin"], `${sshd.password}\n`);
    await succeed(["service", "test", "pw"]);
  });
});

test("of a service that is refused no key stays in the vault, and one that is there stays as it is", async () => {
  await succeed(["file", "upload", "again.key", "plain"]);
  const add = ["service", "add", "again", ...at, "--ssh-key-file", "plain"];
  const refused = await run([...add, "--ssh-legacy-algorithm", "rot13"]);
  expect(refused.code).toBe(1);
  expect(refused.stderr).toContain("--ssh-legacy-algorithm: must be one of");
  expect((await succeed(["file", "list"])).stdout).not.toContain("again-2.key");
  await succeed(add);
  const shown = await succeed(["service", "show", "again"]);
  expect(shown.stdout).toMatch(/^ssh_key_file_ref: +again-2\.key$/m);
});

test("with a service goes the key that was stored for it, and of files of others is said that they stay", async () => {
  const files = async (): Promise<string> => (await succeed(["file", "list"])).stdout;
  await succeed(["service", "add", "gone", ...at, "--ssh-key-file", "plain"]);
  const removed = await succeed(["service", "remove", "gone", "--yes"]);
  expect(removed.stderr).toBe("Its key file gone.key is deleted.\n");
  expect(await files()).not.toContain("gone.key");

  // Uploaded by somebody, under the name that would have been given.
  await succeed(["file", "upload", "kept.key", "plain"]);
  await succeed(["service", "add", "kept", ...at, "--ssh-key-file-ref", "kept.key"]);
  const kept = await succeed(["service", "remove", "kept", "--yes"]);
  expect(kept.stderr).toContain("delete it with `vault-cli file delete kept.key`");
  expect(await files()).toContain("kept.key");

  await succeed(["service", "add", "lent", ...at, "--ssh-key-file", "plain"]);
  await succeed(["service", "add", "borrower", ...at, "--ssh-key-file-ref", "lent.key"]);
  const lent = await succeed(["--json", "service", "remove", "lent", "--yes"]);
  expect(JSON.parse(lent.stdout)).toMatchObject({ files_deleted: [], files_kept: ["lent.key"] });
  const borrower = await succeed(["service", "remove", "borrower", "--yes"]);
  expect(borrower.stderr).toContain("the file lent.key stays in the vault");
});

test.each<[string[], string]>([
  [
    ["--ssh-key-file", "plain", "--ssh-key-file-ref", "x"],
    "use one of --ssh-key-file and --ssh-key-file-ref",
  ],
  [["--ssh-password-stdin", "--secret-stdin"], "use one of --secret-stdin and --ssh-password-stdin"],
  [["--base-url", "https://x"], "--base-url is for services of HTTP calls, not for --type ssh_key"],
  [["--type", "redis"], "--ssh-host is for --type ssh_key, not for --type redis"],
  [["--ssh-port", "99999"], "1 to 65535"],
])("%j is a usage error", async (flags, sentence) => {
  const ended = await run(["service", "add", "wrong", ...at, ...flags]);
  expect(ended).toMatchObject({ code: 2, stderr: expect.stringContaining(sentence) as string });
});

test("what is missing is named", async () => {
  const ended = await run(["service", "add", "wrong", "--type", "ssh_key"]);
  expect(ended).toMatchObject({
    code: 2,
    stderr: expect.stringContaining("--ssh-host, --ssh-user") as string,
  });
});

describe("with a list of allowed commands", () => {
  beforeAll(async () => {
    const allowed = ["--ssh-allowed-command", "echo hello", "--ssh-allowed-command", "uptime"];
    await succeed(["service", "add", "few", ...at, "--ssh-key-file", "plain", ...allowed]);
  });

  test("others are refused, and nothing is tried by a test that is not told what may run", async () => {
    expect(await run(["ssh", "few", "echo", "hello;", "id"])).toMatchObject({ code: 1, stdout: "" });
    expect((await succeed(["ssh", "few", "echo", "hello", "you"])).stdout).toBe("hello you\n");
    const before = sshd.connectionCount();
    const test = await run(["service", "test", "few"]);
    expect(test.code).toBe(1);
    expect(test.stderr).toContain("nothing was checked: only its allowed commands may run there");
    expect((await run(["--json", "service", "test", "few"])).stdout).toContain('"ok": false');
    expect(sshd.connectionCount()).toBe(before);
    await succeed(["service", "test", "few", "--command", "uptime"]);
  });

  test("each stands on a line of its own", async () => {
    const { stdout } = await succeed(["service", "show", "few"]);
    expect(stdout).toMatch(/^ssh_allowed_commands: +echo hello\n +uptime$/m);
    expect((await succeed(["service", "list"])).stdout).toContain(
      `few                  ${sshd.user}@${sshd.host}:${sshd.port} (ssh_key)`,
    );
  });
});

describe("a host key", () => {
  const wrong = `SHA256:${"A".repeat(43)}`;

  test("is shown, pinned by its fingerprint, its key or a keyscan, and cleared", async () => {
    await succeed(["service", "add", "box", ...at, "--ssh-key-file", "plain"]);
    const none = await run(["service", "host-key", "show", "box"]);
    expect(none).toMatchObject({ code: 1, stdout: "" });
    expect(none.stderr).toContain("no host key of box is kept yet");

    await succeed(["ssh", "box", "true"]);
    const shown = (await succeed(["service", "host-key", "show", "box"])).stdout.split("\n");
    const [fingerprint = "", key = ""] = shown;
    expect(fingerprint).toMatch(/^SHA256:.{43}$/);
    expect(key).toMatch(/^ssh-ed25519 AAAA/);
    expect(JSON.parse((await succeed(["--json", "service", "host-key", "show", "box"])).stdout)).toEqual({
      ...{ service: "box", fingerprint, host_key: key },
    });

    await succeed(["service", "host-key", "pin", "box", wrong]);
    const refused = await run(["ssh", "box", "true"]);
    expect(refused.code).toBe(1);
    for (const part of [fingerprint, wrong, "service host-key pin"]) expect(refused.stderr).toContain(part);

    const pins: [string[], string][] = [
      [[fingerprint], ""],
      [key.split(" "), ""],
      [[], `# comment\n${sshd.host} ${key}\n`],
      [["-"], `${key} root@box\n`],
    ];
    for (const [words, stdin] of pins) {
      const pinned = await succeed(["service", "host-key", "pin", "box", ...words], stdin);
      expect(pinned.stdout).toBe(`Host key of box pinned: ${fingerprint}\n`);
      await succeed(["ssh", "box", "true"]);
      await succeed(["service", "host-key", "pin", "box", wrong]);
    }
    expect((await succeed(["service", "host-key", "clear", "box"])).stdout).toContain("cleared");
    await succeed(["ssh", "box", "true"]);
  });

  test.each<[string[], string, number]>([
    [["pin", "box"], "no host key was given", 2],
    [["pin", "box", "nonsense"], "host_key", 1],
    [["pin", "nowhere", wrong], "no such service", 1],
    [["clear", "nowhere"], "no such service", 1],
    [["show", "nowhere"], "no such service", 1],
  ])("%j is told", async (args, sentence, code) => {
    const ended = await run(["service", "host-key", ...args]);
    expect(ended).toMatchObject({ code, stderr: expect.stringContaining(sentence) as string });
  });
});
