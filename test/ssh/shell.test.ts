import { readFileSync } from "node:fs";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { connectTo, exchange, wait } from "../live/raw-sockets.js";
import { call, makeToken } from "../live/vault-calls.js";
import { startSshd, type RunningSshd } from "../real-servers/openssh.js";
import { makeSshKey } from "../real-servers/ssh-keys.js";
import { openShell, Refused, type ShellClient } from "./shell-client.js";
import { startSshVault, type SshVault } from "./ssh-vault.js";

let vault: SshVault;
let sshd: RunningSshd;

beforeAll(async () => {
  const key = await makeSshKey();
  [vault, sshd] = await Promise.all([
    startSshVault(),
    startSshd({ login: "key", authorizedKeys: [key.publicLine] }),
  ]);
  await vault.addService("box", sshd, { key });
  await vault.addService("listed", sshd, { key, auth: { ssh_allowed_commands: ["uptime"] } });
  await vault.addService("hurried", sshd, { key, service: { idle_timeout: "1s" } });
  await vault.addService("wrong", sshd);
});

afterAll(async () => {
  await vault.close();
  await sshd.stop();
});

const open = (query = "", token = vault.token, service = "box"): Promise<ShellClient> =>
  openShell(vault.server.address, `/ssh/${service}/session${query}`, token);

async function refusal(path: string, token = vault.token, headers: Record<string, string> = {}) {
  const refused = await openShell(vault.server.address, path, token, { headers }).then(
    () => undefined,
    (error: unknown) => error,
  );
  if (!(refused instanceof Refused)) throw new Error("not refused", { cause: refused });
  const { code, error } = JSON.parse(refused.body) as { code: string; error: string };
  expect(refused.headers["x-vault-error"]).toBe(code);
  expect(refused.headers["x-vault-request-id"]).toMatch(/^[0-9a-f-]{36}$/);
  return { status: refused.status, code, error };
}

/** Of the server, in MB. */
function residentMemory(): number {
  const status = readFileSync(`/proc/${vault.server.pid}/status`, "utf8");
  return Number(/VmRSS:\s+(\d+) kB/.exec(status)?.[1]) / 1024;
}

/** What the user runs at the server. */
function commandLines(): string[] {
  return sshd.commands().map((pid) => readFileSync(`/proc/${pid}/cmdline`, "utf8").replaceAll("\0", " "));
}

describe("a shell", () => {
  test("is a terminal of the size that was asked for, with colours, and ends with its exit code", async () => {
    const shell = await open("?cols=132&rows=50");
    shell.type("stty size; echo $TERM; tput colors; exit 7\r");
    expect(await shell.closed).toEqual({ code: 1000, reason: '{"exit_code":7}' });
    expect(shell.screen()).toMatch(/50 132\r\nxterm-256color\r\n256\r\n/);
  });

  test("is 80 by 24 by default, and changes its size, at once and as often as it is told", async () => {
    const shell = await open();
    shell.type("stty size\r");
    await shell.see(/24 80/);
    for (let cols = 100; cols <= 200; cols += 1) shell.resize(cols, 40);
    shell.type("sleep 0.2; stty size\r");
    await shell.see(/40 200/);
    shell.type("exit\r");
    expect((await shell.closed).code).toBe(1000);
  });

  test("takes text of any language, Ctrl-C and Ctrl-D", async () => {
    const shell = await open();
    shell.type("echo grüße-日本-🙂 | wc -c; sh -c 'echo run\"\"ning; exec sleep 600'\r");
    await shell.see(/\b20\r\nrunning/);
    shell.type("\x03");
    await shell.see(/\^C\s*\$ $/);
    shell.type("echo interrupted: $?\r");
    await shell.see(/interrupted: 130/);
    shell.type("\x04");
    expect(await shell.closed).toEqual({ code: 1000, reason: '{"exit_code":0}' });
  });

  test("that a signal ends says which", async () => {
    const shell = await open();
    shell.type("kill -9 $$\r");
    expect(await shell.closed).toEqual({ code: 1000, reason: '{"exit_code":137,"signal":"KILL"}' });
  });

  test("puts out ten megabytes whole, stderr too", async () => {
    const shell = await open();
    shell.type("stty -echo -onlcr; PS1=; echo be''gin\r");
    await shell.see(/begin/);
    const before = shell.received();
    shell.type("head -c 5000000 /dev/zero | tr '\\0' x; head -c 5000000 /dev/zero | tr '\\0' x >&2; exit\r");
    expect((await shell.closed).code).toBe(1000);
    expect(shell.received() - before).toBeGreaterThanOrEqual(10_000_000);
    expect(shell.received() - before).toBeLessThan(10_000_100);
  });

  test("shares a connection with others", async () => {
    const before = sshd.connectionCount();
    const shells = await Promise.all(Array.from({ length: 8 }, () => open()));
    for (const shell of shells) shell.type("exit 1\r");
    const closes = await Promise.all(shells.map(({ closed }) => closed));
    expect(closes.map(({ reason }) => reason)).toEqual(shells.map(() => '{"exit_code":1}'));
    expect(sshd.connectionCount() - before).toBeLessThanOrEqual(1);
  });
});

describe("the handshake of a shell", () => {
  test("is refused in the order of all checks", async () => {
    const nobody = `tok_${"A".repeat(43)}`;
    expect(await refusal("/ssh/none/session?cols=0", nobody)).toMatchObject({ status: 401 });
    expect(await refusal("/ssh/none/session?cols=0")).toMatchObject({ status: 400 });
    expect(await refusal("/ssh/none/session")).toMatchObject({ status: 404, code: "not_found" });
    const listed = await refusal("/ssh/listed/session");
    expect(listed).toMatchObject({ status: 403, code: "forbidden" });
    expect(listed.error).toContain("a shell cannot be held to an allow-list");
  });

  test.each([
    ["cols=0", /^cols: /],
    ["cols=1001", /^cols: /],
    ["rows=1e2", /^rows: /],
    ["rows=", /^rows: /],
    ["cols=80&cols=80", /^cols: /],
    ["width=80", /unknown field width/],
    ["token=secret", /unknown field token/],
  ])("with ?%s is refused", async (query, sentence) => {
    const refused = await refusal(`/ssh/box/session?${query}`);
    expect(refused).toMatchObject({ status: 400, code: "invalid_request" });
    expect(refused.error).toMatch(sentence);
  });

  test.each([
    ["a body", { "Content-Length": "1" }, 400, "invalid_request"],
    ["a foreign Origin", { Origin: "https://evil.example" }, 403, "forbidden"],
    ["a foreign Host", { Host: "evil.example" }, 403, "forbidden"],
  ])("with %s is refused", async (_, headers, status, code) => {
    expect(await refusal("/ssh/box/session", vault.token, headers)).toMatchObject({ status, code });
  });

  test.each([
    ["another version", "Sec-WebSocket-Version: 8", 426, "upgrade_required"],
    ["no version", "X-Other: 1", 426, "upgrade_required"],
    [
      "a key of another length",
      "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: c2hvcnQ=",
      400,
      "invalid_request",
    ],
    ["no key", "Sec-WebSocket-Version: 13", 400, "invalid_request"],
  ])("with %s is refused", async (_, fields, status, code) => {
    const answer = await exchange(
      vault.server.address,
      `GET /ssh/box/session HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n` +
        `Authorization: Bearer ${vault.token}\r\n${fields}\r\n\r\n`,
    );
    expect(answer).toMatch(new RegExp(`^HTTP/1.1 ${status} .*\r\nX-Vault-Error: ${code}\r\n`, "s"));
    if (status === 426) expect(answer).toMatch(/\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n/);
  });

  test("that asks for no upgrade is told to", async () => {
    const plain = await call(vault.server.address, "GET", "/ssh/box/session", { token: vault.token });
    expect(plain).toMatchObject({ status: 426, json: { code: "upgrade_required" } });
    expect(plain.headers).toMatchObject({ upgrade: "websocket", "sec-websocket-version": "13" });
    const anonymous = await call(vault.server.address, "GET", "/ssh/box/session");
    expect(anonymous.status).toBe(401);
  });

  test("is answered without what a client offers beside, and with an absolute target too", async () => {
    const shell = await openShell(vault.server.address, "/ssh/box/session", vault.token, {
      ...{ perMessageDeflate: true, headers: { "Sec-WebSocket-Protocol": "" } },
    });
    expect(shell.socket.extensions).toBe("");
    shell.type("exit\r");
    await shell.closed;
    const head =
      `GET ${vault.server.address}/ssh/box/session HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\n` +
      `Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: ${"A".repeat(22)}==\r\n` +
      `Sec-WebSocket-Protocol: chat\r\nAuthorization: Bearer ${vault.token}\r\n\r\n`;
    // With a frame right behind it, which is not masked.
    const answer = await exchange(vault.server.address, `${head}\x81\x01x`);
    expect(answer).toMatch(/^HTTP\/1\.1 101 .*\r\nX-Vault-Request-Id: [0-9a-f-]{36}\r\n\r\n/s);
    expect(answer).not.toMatch(/Sec-WebSocket-Protocol/i);
    expect(answer).toContain("\x88\x02\x03\xea");
  });

  test("is refused as any call when the server is not what it should be", async () => {
    expect(await refusal("/ssh/wrong/session")).toMatchObject({ status: 502, code: "upstream_login_failed" });
    const [old] = sshd.hostKeys();
    await vault.exec("hurried", "true");
    await sshd.replaceHostKeys();
    await sshd.restart();
    const changed = await refusal("/ssh/hurried/session");
    expect(changed).toMatchObject({ status: 502, code: "ssh_host_key_mismatch" });
    expect(changed.error).toContain(old?.fingerprint);
    expect(changed.error).toContain(sshd.hostKeys()[0]?.fingerprint);
    for (const name of ["box", "hurried", "listed"]) {
      await call(vault.server.address, "DELETE", `/services/${name}/host-key`, { token: vault.admin });
    }
  });
});

describe("an open shell ends", () => {
  const running = async (token = vault.token, service = "box"): Promise<ShellClient> => {
    const shell = await open("", token, service);
    shell.type("echo run''ning; sleep 600\r");
    await shell.see(/running/);
    return shell;
  };
  const noneLeft = (): Promise<void> => expect.poll(() => commandLines()).toEqual([]);

  test("with what runs in it when its token is revoked", async () => {
    const token = await makeToken(vault.server, vault.admin);
    const shell = await running(token);
    await call(vault.server.address, "DELETE", `/tokens/${token}`, { token: vault.admin });
    expect(await shell.closed).toEqual({ code: 1008, reason: "this token was revoked" });
    await noneLeft();
  });

  test("when its token ends", async () => {
    const token = await makeToken(vault.server, vault.admin, { ttl: "2s" });
    const shell = await running(token);
    expect(await shell.closed).toEqual({ code: 1008, reason: "this token has expired" });
    await noneLeft();
  });

  test("when nothing happens in it for the service's idle_timeout", async () => {
    const shell = await running(vault.token, "hurried");
    const startedAt = Date.now();
    await wait(600);
    shell.type("x");
    expect((await shell.closed).reason).toBe("nothing happened in the shell for 1 s");
    expect(Date.now() - startedAt).toBeGreaterThan(1500);
    await noneLeft();
  });

  test("when its service is deleted", async () => {
    await vault.addService("brief", sshd, { key: await authorizedKey() });
    const shell = await running(vault.token, "brief");
    await call(vault.server.address, "DELETE", "/services/brief", { token: vault.admin });
    expect(await shell.closed).toEqual({ code: 1008, reason: "this service was deleted" });
    await noneLeft();
  });

  test.each<[string, (shell: ShellClient) => void]>([
    ["goes away", ({ socket }) => socket.terminate()],
    ["says goodbye", ({ socket }) => socket.close(1000)],
    [
      "has only half closed",
      ({ socket }) => (socket as unknown as { _socket: { end(): void } })._socket.end(),
    ],
  ])("with what runs in it when its client %s", async (_, leave) => {
    const shell = await running();
    leave(shell);
    await noneLeft();
  });

  test("with what runs in it when that has not read what its client has sent", async () => {
    const shell = await open();
    shell.type("stty raw -echo; echo be''gin; sleep 600\r");
    await shell.see(/begin/);
    shell.type("y".repeat(500_000));
    await wait(100);
    shell.socket.terminate();
    await noneLeft();
  });

  test("when its client leaves before it is answered", async () => {
    const before = sshd.connectionCount();
    await vault.addService("slow", sshd, { key: await authorizedKey() });
    const socket = connectTo(vault.server.address);
    socket.write(
      "GET /ssh/slow/session HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n" +
        `Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: ${"A".repeat(22)}==\r\n` +
        `Authorization: Bearer ${vault.token}\r\n\r\n`,
    );
    await expect.poll(() => sshd.connectionCount()).toBeGreaterThan(before);
    socket.destroy();
    await wait(300);
    await noneLeft();
  });

  test("when the connection to the server is lost", async () => {
    const shell = await running();
    await sshd.restart();
    expect(await shell.closed).toEqual({ code: 1011, reason: "the connection to the server was lost" });
  });

  test("when the vault is locked", async () => {
    const shell = await running();
    await call(vault.server.address, "POST", "/auth/lock", { token: vault.admin });
    expect(await shell.closed).toEqual({ code: 1008, reason: "the vault was locked" });
    await noneLeft();
    expect(await refusal("/ssh/none/session?cols=0", "nothing")).toMatchObject({ status: 423 });
    await vault.unlock();
  });

  async function authorizedKey() {
    const key = await makeSshKey();
    await sshd.authorize(key.publicLine);
    return key;
  }
});

describe("a client", () => {
  test("that does not read costs no memory, and gets everything when it does", async () => {
    const shell = await open();
    shell.type("stty -echo -onlcr; PS1=; echo be''gin\r");
    await shell.see(/begin/);
    const [bytes, memory] = [shell.received(), residentMemory()];
    shell.socket.pause();
    shell.type("head -c 150000000 /dev/zero | tr '\\0' x; exit\r");
    await wait(1000);
    expect(residentMemory() - memory).toBeLessThan(30);
    expect(sshd.commands().length).toBeGreaterThan(1);
    shell.socket.resume();
    expect((await shell.closed).code).toBe(1000);
    expect(shell.received() - bytes).toBeGreaterThanOrEqual(150_000_000);
  });

  test("that sends more than the shell reads waits, and costs no memory", async () => {
    const shell = await open();
    shell.type("stty raw -echo; echo be''gin; sleep 600\r");
    await shell.see(/begin/);
    const memory = residentMemory();
    const megabyte = "y".repeat(1_000_000);
    for (let count = 0; count < 64; count += 1) shell.type(megabyte);
    await wait(700);
    expect(shell.socket.bufferedAmount).toBeGreaterThan(30_000_000);
    expect(residentMemory() - memory).toBeLessThan(60);
    // Its end stands behind what is not read.
    shell.socket.terminate();
    await expect.poll(() => commandLines(), { timeout: 5000 }).toEqual([]);
  });

  test("may send a message in pieces", async () => {
    const shell = await open();
    for (const character of "echo grüße-$((40+2))") shell.socket.send(character, { fin: false });
    shell.socket.send("\r", { fin: true });
    await shell.see(/grüße-42/);
    shell.socket.close();
  });

  test("that sends a binary message of another form is told what is wrong", async () => {
    for (const message of [[], [1], [1, 0, 0, 0, 24], [2, 0, 80, 0, 24], [1, 0, 80, 0, 24, 0]]) {
      const shell = await open();
      shell.socket.send(Buffer.from(message));
      const { code, reason } = await shell.closed;
      expect([code, reason]).toEqual([1002, "a binary message is 01 and a terminal's size, from 1 to 1000"]);
    }
  });

  test("that does not keep to WebSocket is closed with the code for it", async () => {
    const oversized = await open();
    oversized.socket.send("x".repeat(1024 * 1024 + 1));
    expect((await oversized.closed).code).toBe(1009);
    const notText = await open();
    notText.socket.send(Buffer.from([0xff]), { binary: false });
    expect((await notText.closed).code).toBe(1007);
    const unmasked = await open();
    unmasked.socket.send("x", { mask: false });
    expect((await unmasked.closed).code).toBe(1002);
    await expect.poll(() => commandLines()).toEqual([]);
  });

  test("that floods with sizes and empty messages costs no memory, and its shell works on", async () => {
    const shell = await open();
    const memory = residentMemory();
    for (let count = 0; count < 20_000; count += 1) {
      shell.resize(1 + (count % 1000), 24);
      shell.type("");
    }
    shell.resize(90, 30);
    shell.type("sleep 0.2; stty size; exit\r");
    await shell.see(/30 90/);
    expect(residentMemory() - memory).toBeLessThan(60);
    expect((await shell.closed).code).toBe(1000);
  });

  test("that floods with pings is cut off", async () => {
    const shell = await open();
    for (let count = 0; count < 20_000; count += 1) shell.socket.ping();
    expect((await shell.closed).code).toBe(1006);
    await expect.poll(() => commandLines()).toEqual([]);
  });
});

test("a server that stops closes its shells, and ends at once", async () => {
  const shell = await open();
  const startedAt = Date.now();
  const stopped = vault.server.stop();
  expect(await shell.closed).toEqual({ code: 1001, reason: "the vault is stopping" });
  expect(await stopped).toBe(0);
  expect(Date.now() - startedAt).toBeLessThan(2500);
});
