import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, readFileSync } from "node:fs";
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { cleanEnvironment, temporaryDirectory } from "../live/processes.js";
import { startSshd, type RunningSshd } from "./openssh.js";
import { makeSshKey, type SshKey } from "./ssh-keys.js";

interface SshResult {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

interface SshOptions {
  readonly key?: SshKey;
  readonly password?: string;
  /** Default: the server's own host keys. */
  readonly knownHosts?: string;
  readonly program?: "ssh" | "sftp";
  readonly input?: string;
  readonly options?: readonly string[];
}

/** OpenSSH's own client. It gets a password from a program, since there is no terminal. */
async function ssh(to: RunningSshd, command: string, how: SshOptions = {}): Promise<SshResult> {
  const directory = await temporaryDirectory();
  const path = (name: string): string => join(directory.path, name);
  try {
    const hosts = to.hostKeys().map(({ publicLine }) => `[${to.host}]:${to.port} ${publicLine}\n`);
    await writeFile(path("known_hosts"), how.knownHosts ?? hosts.join(""));
    if (how.key !== undefined) await writeFile(path("key"), how.key.privateKey, { mode: 0o600 });
    await writeFile(path("password"), `${how.password ?? ""}\n`);
    await writeFile(path("ask"), `#!/bin/sh\ncat ${path("password")}\n`, { mode: 0o700 });
    const { program = "ssh" } = how;
    const settings = [
      `UserKnownHostsFile=${path("known_hosts")}`,
      "GlobalKnownHostsFile=/dev/null",
      "StrictHostKeyChecking=yes",
      "IdentitiesOnly=yes",
      "NumberOfPasswordPrompts=1",
      ...(how.password === undefined ? ["BatchMode=yes"] : []),
      ...(how.key === undefined ? ["PubkeyAuthentication=no"] : [`IdentityFile=${path("key")}`]),
      ...(how.options ?? []),
    ];
    const child = spawn(
      program,
      [
        ...["-F", "none", program === "ssh" ? "-p" : "-P", String(to.port)],
        ...settings.flatMap((setting) => ["-o", setting]),
        `${to.user}@${to.host}`,
        ...(program === "ssh" ? [command] : []),
      ],
      {
        env: { ...cleanEnvironment(), SSH_ASKPASS: path("ask"), SSH_ASKPASS_REQUIRE: "force" },
        stdio: "pipe",
      },
    );
    let stdout = "";
    let stderr = "";
    child.stdout.on("data", (chunk: Buffer) => (stdout += chunk.toString()));
    child.stderr.on("data", (chunk: Buffer) => (stderr += chunk.toString()));
    child.stdin.end(how.input ?? "");
    const [code] = (await once(child, "close")) as [number | null];
    return { code, stdout, stderr };
  } finally {
    await directory.remove();
  }
}

const REFUSED = 255;

let key: SshKey;
let server: RunningSshd;

beforeAll(async () => {
  key = await makeSshKey();
  server = await startSshd({ authorizedKeys: [key.publicLine] });
});

afterAll(async () => {
  await server.stop();
});

describe("a server that wants a key", () => {
  test("runs what its user asks for, as a user of its own", async () => {
    const result = await ssh(server, "id -un; pwd; echo out; echo err >&2; exit 7", { key });
    expect(result).toEqual({ code: 7, stdout: `${server.user}\n${server.home}\nout\n`, stderr: "err\n" });
    expect(server.log()).toContain(`Accepted publickey for ${server.user}`);
  });

  test("refuses other keys until they are authorized, and passwords always", async () => {
    const other = await makeSshKey({ type: "ecdsa" });
    expect(await ssh(server, "true", { key: other })).toMatchObject({ code: REFUSED });
    await server.authorize(other.publicLine);
    expect(await ssh(server, "true", { key: other })).toMatchObject({ code: 0 });
    expect(await ssh(server, "true", { password: server.password })).toMatchObject({ code: REFUSED });
  });

  test("takes and gives files by SFTP", async () => {
    const result = await ssh(server, "", {
      key,
      program: "sftp",
      input: "mkdir new\nput /etc/passwd new/p\n",
    });
    expect(result, result.stderr).toMatchObject({ code: 0 });
    expect(await readFile(join(server.home, "new/p"), "utf8")).toContain(server.user);
  });

  test("counts connections, and tells what its user runs", async () => {
    const before = server.connectionCount();
    const running = ssh(server, "exec sleep 60", { key });
    await expect.poll(() => server.commands()).toHaveLength(1);
    const [command = 0] = server.commands();
    expect(readFileSync(`/proc/${command}/cmdline`, "utf8")).toBe("sleep\x0060\x00");
    expect(server.connectionCount()).toBe(before + 1);
    process.kill(command, "SIGKILL");
    await running;
    expect(server.commands()).toEqual([]);
  });

  test("shows other host keys when told, and connections stay", async () => {
    const [first] = server.hostKeys();
    const knownHosts = `[${server.host}]:${server.port} ${first?.publicLine ?? ""}\n`;
    const running = ssh(server, "until [ -e go ]; do sleep 0.05; done; echo stayed", { key });
    await expect.poll(() => server.commands()).not.toEqual([]);
    await server.replaceHostKeys(["ecdsa"]);
    await writeFile(join(server.home, "go"), "");
    expect(await running).toMatchObject({ code: 0, stdout: "stayed\n" });
    expect(server.hostKeys()).toMatchObject([{ type: "ecdsa-sha2-nistp256" }]);
    expect(server.hostKeys()[0]?.fingerprint).toMatch(/^SHA256:[\w+/]{43}$/);
    expect(await ssh(server, "true", { key, knownHosts })).toMatchObject({
      code: REFUSED,
      stderr: expect.stringContaining("Host key verification failed") as string,
    });
    expect(await ssh(server, "true", { key })).toMatchObject({ code: 0 });
  });

  test("starts again on its port, without the connections that it had", async () => {
    const running = ssh(server, "exec sleep 60", { key });
    await expect.poll(() => server.commands()).toHaveLength(1);
    await server.restart();
    expect(await running).toMatchObject({ code: REFUSED });
    expect(await ssh(server, "echo again", { key })).toMatchObject({ stdout: "again\n" });
  });
});

test.each(["password", "keyboard-interactive"] as const)(
  "a server takes the right %s alone",
  async (login) => {
    const other = await startSshd({ login, password: `pass "word' of $HOME äöü` });
    try {
      expect(await ssh(other, "echo in", { password: other.password })).toMatchObject({ stdout: "in\n" });
      expect(other.log()).toContain(`Accepted ${login}`);
      expect(await ssh(other, "true", { password: "wrong" })).toMatchObject({ code: REFUSED });
      expect(await ssh(other, "true", { key })).toMatchObject({
        code: REFUSED,
        stderr: expect.stringContaining(`(${login})`) as string,
      });
    } finally {
      await other.stop();
    }
  },
);

test("a forced command runs whatever is asked for", async () => {
  const forced = await startSshd({
    authorizedKeys: [key.publicLine],
    forcedCommand: 'echo "asked: $SSH_ORIGINAL_COMMAND"',
  });
  try {
    expect(await ssh(forced, "rm -rf /", { key })).toMatchObject({ code: 0, stdout: "asked: rm -rf /\n" });
  } finally {
    await forced.stop();
  }
});

test("an old server speaks nothing that is modern, and has the host keys asked for", async () => {
  const old = await startSshd({
    authorizedKeys: [key.publicLine],
    hostKeyTypes: ["rsa", "ecdsa"],
    legacyAlgorithms: "only",
    sftp: false,
    settings: { PubkeyAcceptedAlgorithms: "ssh-ed25519" },
  });
  try {
    expect(old.hostKeys().map(({ type }) => type)).toEqual(["ssh-rsa", "ecdsa-sha2-nistp256"]);
    const refused = await ssh(old, "true", { key });
    expect(refused).toMatchObject({ code: REFUSED });
    expect(refused.stderr).toContain("no matching key exchange method found");
    const options = ["KexAlgorithms=+diffie-hellman-group1-sha1", "HostKeyAlgorithms=+ssh-rsa"];
    const taken = await ssh(old, "echo in", { key, options: [...options, "Ciphers=+3des-cbc"] });
    expect(taken, taken.stderr).toMatchObject({ stdout: "in\n" });
    const sftp = await ssh(old, "", { key, program: "sftp", options: [...options, "Ciphers=+3des-cbc"] });
    expect(sftp.code).not.toBe(0);
  } finally {
    await old.stop();
  }
});

test("a server that is stopped leaves no process, no user and no file", async () => {
  const other = await startSshd({ authorizedKeys: [key.publicLine] });
  try {
    const running = ssh(other, "nohup sleep 600 >/dev/null 2>&1 & sleep 60", { key });
    await expect.poll(() => other.commands().length).toBeGreaterThan(1);
    const pids = [other.pid, ...other.commands()];
    await mkdir(join(other.home, "left"));
    await other.stop();
    expect(await running).toMatchObject({ code: REFUSED });
    expect(pids.filter((pid) => existsSync(`/proc/${pid}/cwd/.`))).toEqual([]);
    expect(readFileSync("/etc/passwd", "utf8")).not.toContain(other.user);
    expect(existsSync(other.home)).toBe(false);
  } finally {
    await other.stop();
  }
});
