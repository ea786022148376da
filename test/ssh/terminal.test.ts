import { mkdir, rm, writeFile } from "node:fs/promises";
import { connect, createServer, type AddressInfo, type Server, type Socket } from "node:net";
import { join } from "node:path";
import { createServer as createTlsServer } from "node:tls";
import { fileURLToPath } from "node:url";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { startCli } from "../live/cli-in-terminal.js";
import { cli, temporaryDirectory } from "../live/processes.js";
import { call, makeToken } from "../live/vault-calls.js";
import { makeServerCertificates } from "../real-servers/certificates.js";
import { startSshd, type RunningSshd } from "../real-servers/openssh.js";
import { startSshVault, type SshVault } from "./ssh-vault.js";
import { startTmux, type Tmux } from "./tmux.js";

const CLI = fileURLToPath(new URL("../../packages/cli/dist/main.js", import.meta.url));

let vault: SshVault;
let sshd: RunningSshd;
const opened: { close(): Promise<unknown> }[] = [];

beforeAll(async () => {
  [vault, sshd] = await Promise.all([startSshVault(), startSshd({ login: "password" })]);
  await vault.addService("box", sshd);
});

afterEach(async () => {
  for (const each of opened.splice(0)) await each.close();
});

afterAll(async () => {
  await vault.close();
  await sshd.stop();
});

const environment = (more: Record<string, string> = {}): Record<string, string> => ({
  ...{ VAULT_ADDR: vault.server.address, VAULT_TOKEN: vault.token },
  ...more,
});

/** A terminal in which `vault-cli ssh box` runs. */
async function atServer(more: Record<string, string> = {}): Promise<Tmux> {
  const tmux = await startTmux(environment(more));
  opened.push(tmux);
  await tmux.type(`'${process.execPath}' '${CLI}' ssh box; echo "ended:$?"`);
  await tmux.press("Enter");
  await tmux.see(/\n\$/);
  return tmux;
}

/** Joins a connection to one of the vault's, and takes a break of somewhat more than a second in the middle. */
function passOnSlowly(client: Socket): void {
  const { hostname, port } = new URL(vault.server.address);
  const upstream = connect(Number(port), hostname);
  for (const socket of [client, upstream]) socket.on("error", () => socket.destroy());
  for (const [from, to] of [
    [client, upstream],
    [upstream, client],
  ] as const) {
    let passed = 0;
    from.on("data", (chunk: Buffer) => {
      const before = passed;
      passed += chunk.length;
      const isMiddle = before < 4_000_000 && passed >= 4_000_000;
      const isFull = !to.write(chunk);
      if (!isMiddle && !isFull) return;
      from.pause();
      if (isMiddle) setTimeout(() => from.resume(), 1_200);
      else to.once("drain", () => from.resume());
    });
    from.on("end", () => to.end());
  }
}

/** Joins a connection to one of the vault's. */
function passOn(client: Socket): void {
  const { hostname, port } = new URL(vault.server.address);
  const upstream = connect(Number(port), hostname);
  for (const socket of [client, upstream]) socket.on("error", () => undefined);
  client.pipe(upstream).pipe(client);
}

async function listen(
  server: Server,
  where: { path: string } | { port: number; host: string },
): Promise<Server> {
  await new Promise<void>((resolve) => server.listen(where, resolve));
  opened.push({ close: () => new Promise((resolve) => server.close(resolve)) });
  return server;
}

/** That keys are read, shown and worked on line by line again. */
async function expectOwnTerminal(tmux: Tmux): Promise<void> {
  await tmux.see(/\nended:\d+\nlocal\$/);
  await tmux.type("stty -a | tr ' ' '\\n' | grep -cE '^(icanon|echo|isig|icrnl|opost);?$'");
  await tmux.press("Enter");
  await tmux.see(/\n5\n/);
}

test("a long transfer shows how far it is in a terminal, and nowhere else, nor with --quiet", async () => {
  const folder = await temporaryDirectory();
  opened.push({ close: () => folder.remove() });
  const slow = await listen(createServer(passOnSlowly), { port: 0, host: "127.0.0.1" });
  const env = environment({
    VAULT_ADDR: `http://127.0.0.1:${String((slow.address() as AddressInfo).port)}`,
    HOME: folder.path,
  });
  const file = join(folder.path, "large");
  await writeFile(file, Buffer.alloc(16_000_000));
  const transfer = async (terminal: boolean, ...args: string[]): Promise<string> => {
    const run = startCli(args, { terminal, env });
    expect(await run.ended).toBe(0);
    return run.stdout() + run.stderr();
  };
  const at = (name: string): string => join(sshd.home, name);
  await writeFile(at("there"), Buffer.alloc(16_000_000), { mode: 0o644 });
  const [up, down, quiet, piped] = await Promise.all([
    transfer(true, "ssh", "upload", "box", file, at("one")),
    transfer(true, "ssh", "download", "box", at("there"), join(folder.path, "back")),
    transfer(true, "--quiet", "ssh", "upload", "box", file, at("two")),
    transfer(false, "ssh", "download", "box", at("there"), join(folder.path, "piped")),
  ]);
  expect(up).toMatch(/\r\x1b\[KUploading to box … \d+\.\d MiB.*\r\x1b\[KFile uploaded to /s);
  expect(down).toMatch(/\r\x1b\[KDownloading from box … \d+\.\d MiB.*\r\x1b\[KFile ".*" saved to /s);
  expect(quiet).toBe("");
  expect(piped).toMatch(/^File ".*" saved to .*: 15\.3 MiB \(16,000,000 bytes\)\n$/);
  await Promise.all(["there", "one", "two"].map((name) => rm(at(name))));
});

describe("vault-cli ssh without a command", () => {
  test("is a terminal at the server, in colours, and ends with the shell's exit code", async () => {
    const tmux = await atServer();
    await tmux.type("mkdir -p folder; tput setaf 1; echo red; tput sgr0; ls --color; id -un");
    await tmux.press("Enter");
    await tmux.see(new RegExp(`folder\\s+${sshd.user}`));
    const shown = await tmux.screen({ colours: true });
    expect(shown).toMatch(/\x1b\[31mred/);
    expect(shown).toMatch(/\x1b\[(?:0?1;)?34mfolder|\x1b\[1m\x1b\[34mfolder/);
    await tmux.type("exit 42");
    await tmux.press("Enter");
    await tmux.see(/\nended:42\n/);
    await expectOwnTerminal(tmux);
  });

  test("has the terminal's size, and follows it", async () => {
    const tmux = await atServer();
    await tmux.type("stty size");
    await tmux.press("Enter");
    await tmux.see(/\n30 100\n/);
    await tmux.resize(120, 40);
    await tmux.type("sleep 0.3; stty size");
    await tmux.press("Enter");
    await tmux.see(/\n40 120\n/);
    await tmux.resize(60, 20);
    await tmux.type("sleep 0.3; stty size");
    await tmux.press("Enter");
    await tmux.see(/\n20 60\n/);
  });

  test("passes on every key: text of any language, Ctrl-C, Ctrl-D", async () => {
    const tmux = await atServer();
    await tmux.type("printf %s 'grüße-日本-🙂' | wc -c; sh -c 'echo running; exec sleep 600'");
    await tmux.press("Enter");
    await tmux.see(/\n19\nrunning\n/);
    await tmux.press("C-c");
    await tmux.see(/\^C/);
    await tmux.type("echo code=$?");
    await tmux.press("Enter");
    await tmux.see(/\ncode=130\n/);
    await tmux.press("C-d");
    await tmux.see(/\nended:0\n/);
    await expectOwnTerminal(tmux);
  });

  test("reaches the vault by a unix socket whatever its path, and by https", async () => {
    const directory = await temporaryDirectory();
    opened.push({ close: () => directory.remove() });
    const folder = join(directory.path, "a folder: with a colon");
    await mkdir(folder);
    const path = join(folder, "vault.sock");
    await listen(createServer(passOn), { path });
    const certificates = await makeServerCertificates();
    opened.push({ close: () => certificates.remove() });
    const tls = await listen(createTlsServer(certificates, passOn), { port: 0, host: "127.0.0.1" });
    const { port } = tls.address() as AddressInfo;
    for (const env of [
      { VAULT_PROXY_SOCK: path },
      { VAULT_ADDR: `https://localhost:${port}`, NODE_EXTRA_CA_CERTS: certificates.caPath },
    ]) {
      const tmux = await atServer(env);
      await tmux.type("exit 5");
      await tmux.press("Enter");
      await tmux.see(/\nended:5\n/);
    }
  });

  test("gives the terminal back when it is ended by a signal, and the shell is gone", async () => {
    const tmux = await atServer();
    await tmux.type("exec sleep 600");
    await tmux.press("Enter");
    await expect.poll(() => sshd.commands().length).toBe(1);
    const [pid] = await tmux.programs();
    if (pid === undefined) throw new Error("vault-cli does not run");
    process.kill(pid, "SIGTERM");
    await tmux.see(/\nended:143\n/);
    await expectOwnTerminal(tmux);
    await expect.poll(() => sshd.commands()).toEqual([]);
  });

  test("says why it was ended by the vault, and gives the terminal back", async () => {
    const token = await makeToken(vault.server, vault.admin);
    const tmux = await atServer({ VAULT_TOKEN: token });
    // As an editor leaves it that is cut off: on the second screen, without a cursor.
    await tmux.type("printf '\\033[?1049h\\033[?25lediting'");
    await tmux.press("Enter");
    await tmux.see(/editing/);
    await call(vault.server.address, "DELETE", `/tokens/${token}`, { token: vault.admin });
    await tmux.see(/error: the shell was ended: this token was revoked\nended:1\n/);
    await expectOwnTerminal(tmux);
  });

  test("without a terminal, or for --json, is wrong usage", async () => {
    const piped = await cli(["ssh", "box"], { env: environment() });
    expect(piped).toMatchObject({ code: 2, stdout: "" });
    expect(piped.stderr).toContain("error: a shell needs a terminal");
    expect(piped.stderr).toContain("vault-cli ssh box uptime");
    expect(await cli(["--json", "ssh", "box"], { env: environment() })).toMatchObject({ code: 2 });
  });

  test("tells what the vault refuses", async () => {
    const tmux = await startTmux(environment());
    opened.push(tmux);
    await tmux.type(`'${process.execPath}' '${CLI}' ssh none; echo "ended:$?"`);
    await tmux.press("Enter");
    await tmux.see(/error: .*no such service.*\nended:1\n/);
    await vault.addService("listed", sshd, { auth: { ssh_allowed_commands: ["uptime"] } });
    await tmux.clear();
    await tmux.type(`'${process.execPath}' '${CLI}' ssh listed; echo "ended:$?"`);
    await tmux.press("Enter");
    await tmux.see(/error: .*a shell cannot be held to an allow-list.*\nended:1\n/s);
    await expectOwnTerminal(tmux);
  });

  test("notices that the vault is gone", async () => {
    const tmux = await atServer();
    process.kill(vault.server.pid, "SIGKILL");
    await tmux.see(/error: the connection to vault-server was lost\nended:1\n/);
    await expectOwnTerminal(tmux);
  });
});
