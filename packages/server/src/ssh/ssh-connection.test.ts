import { once } from "node:events";
import { createRequire } from "node:module";
import { createServer, type AddressInfo, type Socket } from "node:net";
import ssh2, { type Connection, type ServerChannel } from "ssh2";
import { afterEach, describe, expect, test } from "vitest";
import { HANGING_STAGES, startHangingSshServer } from "../../../../test/real-servers/hanging-ssh.js";
import { startOfferReader } from "../../../../test/real-servers/ssh-kexinit.js";
import { LEGACY_ALGORITHMS } from "../auth-strategies/ssh-types/legacy-algorithms.js";
import type { SshTarget } from "./ssh-connection.js";
import { makeKeyPair } from "./testing/key-pair.js";
import {
  connect,
  PASSWORD,
  startScriptedServer,
  takesPassword,
  targetOf,
  type ScriptedServer,
} from "./testing/scripted-server.js";

const OTHER_KEY = "SHA256:uNiVztksCsDhcc0u9e8BrdGqZGmvK5mRyAjCk0FhPDE";

const closing: (() => Promise<unknown> | undefined)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0)) await close();
});

const scripted = async (...how: Parameters<typeof startScriptedServer>): Promise<ScriptedServer> => {
  const server = await startScriptedServer(...how);
  closing.push(() => server.close());
  return server;
};

/** A server on plain TCP that writes what a test says. */
async function raw(onSocket: (socket: Socket) => void): Promise<number> {
  const sockets: Socket[] = [];
  const server = createServer((socket) => {
    sockets.push(socket);
    socket.on("error", () => undefined);
    onSocket(socket);
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  closing.push(() => {
    for (const socket of sockets) socket.destroy();
    return new Promise((resolve) => server.close(resolve));
  });
  return (server.address() as AddressInfo).port;
}

/** RFC 4254 §4, with one key that is none. */
function globalRequest(name: string): Buffer {
  const nameBytes = Buffer.from(name);
  const length = Buffer.alloc(4);
  length.writeUInt32BE(nameBytes.length);
  return Buffer.concat([Buffer.from([80]), length, nameBytes, Buffer.from([0, 0, 0, 0, 1, 0x78])]);
}

/** ssh2 has no words for it. */
function sendPacket(server: Connection | undefined, payload: Buffer): void {
  const { _protocol: protocol } = server as unknown as {
    _protocol: {
      _packetRW: {
        write: { allocStart: number; alloc(size: number): Buffer; finalize(packet: Buffer): Buffer };
      };
    };
  };
  const { write } = protocol._packetRW;
  const start = write.allocStart;
  const packet = write.alloc(payload.length);
  packet.set(payload, start);
  const library = createRequire(import.meta.url)("ssh2/lib/protocol/utils.js") as {
    sendPacket(protocol: unknown, packet: Buffer): void;
  };
  library.sendPacket(protocol, write.finalize(packet));
}

describe("a server that hangs", () => {
  const beforeLogIn = HANGING_STAGES.slice(0, HANGING_STAGES.indexOf("authentication"));

  test.each(beforeLogIn)("after %s is cut by the one deadline", async (stage) => {
    const server = await startHangingSshServer(stage);
    closing.push(() => server.close());
    const startedAt = performance.now();
    await expect(connect(targetOf(server.port), { connectMs: 250 })).rejects.toMatchObject({
      code: "upstream_timeout",
      message: "the server did not finish the log-in in time",
    });
    expect(performance.now() - startedAt).toBeLessThan(1500);
    await expect.poll(() => server.open()).toBe(0);
  });

  test.each(beforeLogIn)("after %s is left at once when the call is ended", async (stage) => {
    const server = await startHangingSshServer(stage);
    closing.push(() => server.close());
    const ends = new AbortController();
    const connecting = connect(targetOf(server.port), { signal: ends.signal });
    setTimeout(() => ends.abort(new Error("the vault was locked")), 50);
    await expect(connecting).rejects.toThrow();
    await expect.poll(() => server.open()).toBe(0);
  });

  test.each(["authentication", "channel"] as const)(
    "after %s is cut when a channel is wanted",
    async (stage) => {
      const server = await startHangingSshServer(stage);
      closing.push(() => server.close());
      const connection = await connect(targetOf(server.port), { openChannelMs: 200 });
      await expect(connection.exec("id")).rejects.toMatchObject({ code: "upstream_timeout" });
      await expect.poll(() => server.open()).toBe(0);
      expect(connection.isOpen).toBe(false);
    },
  );
});

describe("what is offered to a server", () => {
  const offerTo = async (more: Partial<SshTarget>): Promise<Awaited<ReturnType<typeof readOffer>>> =>
    readOffer(more);
  async function readOffer(more: Partial<SshTarget>) {
    const reader = await startOfferReader();
    closing.push(() => reader.close());
    const [offer] = await Promise.all([
      reader.next(),
      connect(targetOf(reader.port, more)).catch(() => undefined),
    ]);
    return offer;
  }
  /** RFC 8308 §2.1 and OpenSSH's strict key exchange: they are no algorithms. */
  const MARKERS = ["ext-info-c", "kex-strict-c-v00@openssh.com"];
  const WEAK =
    /sha1$|ssh-rsa|ssh-dss|-cbc|group1-|group-exchange|^arcfour|md5|^hmac-sha1|-96$|ripemd|zlib|blowfish|3des|cast/;

  test("has only what is not outdated, and the strict key exchange", async () => {
    const offer = await offerTo({});
    expect(offer.kex.slice(-2)).toEqual(MARKERS);
    const algorithms = [
      ...offer.kex.slice(0, -2),
      ...[...offer.hostKeys, ...offer.ciphersIn, ...offer.macsIn],
    ];
    expect(algorithms.filter((name) => WEAK.test(name))).toEqual([]);
    expect(algorithms).toHaveLength(23);
    expect([offer.ciphersOut, offer.macsOut]).toEqual([offer.ciphersIn, offer.macsIn]);
    expect([offer.compressionIn, offer.compressionOut]).toEqual([["none"], ["none"]]);
    expect(offer.kex[0]).toBe("curve25519-sha256");
    expect(offer.hostKeys[0]).toBe("ssh-ed25519");
    expect(offer.identification).toBe("SSH-2.0-vault-proxy");
  });

  test.each(LEGACY_ALGORITHMS)("has %s for a service that names it, after all others", async (name) => {
    const plain = await offerTo({});
    const offer = await offerTo({ legacyAlgorithms: [name] });
    const lists = [offer.kex.slice(0, -2), offer.hostKeys, offer.ciphersIn, offer.macsIn];
    const plainLists = [plain.kex.slice(0, -2), plain.hostKeys, plain.ciphersIn, plain.macsIn];
    const added = lists.flatMap((list, index) => list.slice(plainLists[index]?.length));
    expect(added).toEqual([name]);
  });

  test("begins with the kind of host key that is known", async () => {
    const rsa = await offerTo({ hostKey: "ssh-rsa AAAA" });
    expect(rsa.hostKeys.slice(0, 2)).toEqual(["rsa-sha2-512", "rsa-sha2-256"]);
    const ecdsa = await offerTo({ hostKey: "ecdsa-sha2-nistp384 AAAA" });
    expect(ecdsa.hostKeys[0]).toBe("ecdsa-sha2-nistp384");
  });
});

describe("a host key", () => {
  test("is remembered before any credential is shown, and not at the next connection", async () => {
    const server = await scripted(takesPassword);
    const remembered: string[] = [];
    const rememberHostKey = (hostKey: string): Promise<void> => {
      expect(server.attempts).toEqual([]);
      remembered.push(hostKey);
      return Promise.resolve();
    };
    const first = await connect(targetOf(server.port), { rememberHostKey });
    expect([remembered, first.hostKey]).toEqual([[server.hostKey], server.hostKey]);
    await connect(targetOf(server.port, { hostKey: server.hostKey }), { rememberHostKey });
    expect(remembered).toHaveLength(1);
  });

  test("that changes on the running connection ends it", async () => {
    let client: Connection | undefined;
    const server = await scripted(takesPassword, (accepted) => (client = accepted));
    const connection = await connect(targetOf(server.port));
    const { _protocol: protocol } = client as unknown as {
      _protocol: { _hostKeys: Record<string, unknown>; rekey(): void };
    };
    const [parsed] = [ssh2.utils.parseKey(makeKeyPair().private)].flat();
    protocol._hostKeys["ssh-ed25519"] = parsed;
    protocol.rekey();
    await connection.closed;
    await expect(connection.exec("id")).rejects.toMatchObject({ code: "ssh_host_key_mismatch" });
  });

  test("that cannot be kept ends the connection before the log-in", async () => {
    const server = await scripted(takesPassword);
    const rememberHostKey = (): Promise<void> => Promise.reject(new Error("disk full"));
    await expect(connect(targetOf(server.port), { rememberHostKey })).rejects.toThrow();
    expect(server.attempts).toEqual([]);
    await expect.poll(() => server.sockets.size).toBe(0);
  });

  test("that is not the kept one gets no credential", async () => {
    const server = await scripted(takesPassword);
    await expect(connect(targetOf(server.port, { hostKey: OTHER_KEY }))).rejects.toMatchObject({
      code: "ssh_host_key_mismatch",
    });
    expect(server.attempts).toEqual([]);
  });
});

describe("a log-in", () => {
  test("asks which methods there are, and gives the password by one of them only", async () => {
    const server = await scripted((context) => context.reject(["password", "keyboard-interactive"]));
    await expect(connect(targetOf(server.port))).rejects.toMatchObject({ code: "upstream_login_failed" });
    expect(server.attempts).toEqual(["none", "password"]);
  });

  test("answers one hidden prompt with the password, and no other", async () => {
    const answers: string[][] = [];
    const server = await scripted((context) => {
      if (context.method !== "keyboard-interactive") {
        context.reject(["keyboard-interactive"]);
        return;
      }
      const ask = (prompts: { prompt: string; echo: boolean }[], next: () => void): void =>
        context.prompt(prompts, (given) => {
          answers.push(given);
          next();
        });
      const two = ["Old:", "New:"].map((prompt) => ({ prompt, echo: false }));
      ask([{ prompt: "Name:", echo: true }], () =>
        ask(two, () =>
          ask([{ prompt: "Password:", echo: false }], () =>
            ask([{ prompt: "Password again:", echo: false }], () => context.accept()),
          ),
        ),
      );
    });
    await connect(targetOf(server.port));
    expect(answers).toEqual([[""], ["", ""], [PASSWORD], [""]]);
  });

  test("that wants a second factor is refused", async () => {
    const server = await scripted((context) => context.reject(["password"], context.method === "none"));
    await expect(connect(targetOf(server.port))).rejects.toMatchObject({ code: "upstream_login_failed" });
    expect(server.attempts).toEqual(["none"]);
  });

  test("at which the server wants a new password is refused", async () => {
    const server = await scripted((context) => {
      if (context.method === "password") context.requestChange("Choose another:", () => context.reject());
      else context.reject(["password"]);
    });
    await expect(connect(targetOf(server.port))).rejects.toMatchObject({ code: "upstream_login_failed" });
  });
});

describe("a hostile server", () => {
  test.each([
    ["says something else than SSH", "HTTP/1.1 200 OK\r\n\r\n"],
    ["says nothing before it leaves", ""],
    ["sends garbage after its name", `SSH-2.0-x\r\n${"\u00ff".repeat(3000)}`],
    ["announces a packet of gigabytes", "SSH-2.0-x\r\n\u007f\u00ff\u00ff\u00ff\u0004\u0014"],
    ["has a name without an end", "S".repeat(100_000)],
    ["greets for ever", "hello\r\n".repeat(50_000)],
  ])("that %s is told from the others in a fixed sentence", async (_, bytes) => {
    const port = await raw((socket) => socket.resume().end(Buffer.from(bytes, "latin1")));
    const failure = await connect(targetOf(port), { connectMs: 2000 }).catch((error: unknown) => error);
    expect(failure).toMatchObject({ code: expect.stringMatching(/^upstream_/) as string });
    expect((failure as Error).message).toMatch(/^(?:the server|the connection|no SSH|the upstream)/);
  });

  test("is not quoted in errors", async () => {
    const port = await raw((socket) => {
      socket.write("SSH-2.0-x\r\n");
      // SSH_MSG_DISCONNECT (RFC 4253 §11.1) with words of its own.
      const words = Buffer.from(`\u0001\0\0\0\u0002\0\0\0\u0013${PASSWORD}\0\0\0\0`, "latin1");
      const padding = 8 - ((5 + words.length) % 8) + 8;
      const head = Buffer.alloc(5);
      head.writeUInt32BE(1 + words.length + padding);
      head[4] = padding;
      socket.end(Buffer.concat([head, words, Buffer.alloc(padding)]));
    });
    const failure = await connect(targetOf(port)).catch((error: unknown) => error);
    expect((failure as Error).message).not.toContain(PASSWORD);
    expect(failure).toMatchObject({ code: "upstream_failed" });
  });

  test("that offers its host keys again and again is left", async () => {
    let server: Connection | undefined;
    const { port } = await scripted(takesPassword, (client) => (server = client));
    const connection = await connect(targetOf(port));
    const offerHostKeys = (): void => sendPacket(server, globalRequest("hostkeys-00@openssh.com"));
    offerHostKeys();
    await new Promise((resolve) => setTimeout(resolve, 50));
    expect(connection.isOpen).toBe(true);
    offerHostKeys();
    await connection.closed;
    await expect(connection.exec("id")).rejects.toMatchObject({
      message: "the server offers its host keys again and again",
    });
  });

  test("that sends beyond the window of a channel that nobody reads is left", async () => {
    let channel: ServerChannel | undefined;
    const server = await scripted(takesPassword, (client) => {
      client.on("session", (accept) => accept().on("exec", (begin) => (channel = begin())));
    });
    const connection = await connect(targetOf(server.port));
    const opened = await connection.exec("id");
    expect(opened.readableFlowing).toBeNull();
    const flood = channel as unknown as {
      outgoing: { window: number };
      write(bytes: Buffer): boolean;
    };
    flood.outgoing.window = Number.MAX_SAFE_INTEGER;
    for (let index = 0; index < 20; index += 1) flood.write(Buffer.alloc(1_000_001));
    await connection.closed;
    expect(opened.readableLength).toBeLessThan(14 * 1024 * 1024);
  });
});
