import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { createServer, type AddressInfo, type Socket } from "node:net";

const HOST = "127.0.0.1";
const KEXINIT = 20;
const COOKIE_BYTES = 16;
/** RFC 4253 §6: before there are keys, packets are padded to this. */
const BLOCK_BYTES = 8;
const LONGEST_PACKET = 35_000;

/** What a client says before anything is secret: RFC 4253 §4.2 and §7.1. */
export interface SshOffer {
  /** Without the line end, such as `SSH-2.0-software comments`. */
  readonly identification: string;
  readonly kex: readonly string[];
  readonly hostKeys: readonly string[];
  readonly ciphersOut: readonly string[];
  readonly ciphersIn: readonly string[];
  readonly macsOut: readonly string[];
  readonly macsIn: readonly string[];
  readonly compressionOut: readonly string[];
  readonly compressionIn: readonly string[];
}

export interface OfferReader {
  readonly host: string;
  readonly port: number;
  /** What the next client offers; it is hung up on then. Rejects if it hangs up before. */
  next(): Promise<SshOffer>;
  close(): Promise<void>;
}

/** A server that is only there to see what clients offer. */
export async function startOfferReader(): Promise<OfferReader> {
  const waiting: ((socket: Socket) => void)[] = [];
  const arrived: Socket[] = [];
  const server = createServer((socket) => {
    socket.on("error", () => undefined);
    const taker = waiting.shift();
    if (taker === undefined) arrived.push(socket);
    else taker(socket);
  });
  server.listen(0, HOST);
  await once(server, "listening");
  return {
    host: HOST,
    port: (server.address() as AddressInfo).port,
    async next() {
      const socket = arrived.shift() ?? (await new Promise<Socket>((resolve) => waiting.push(resolve)));
      try {
        socket.write("SSH-2.0-offer-reader\r\n");
        return await readOffer(socket);
      } finally {
        socket.destroy();
      }
    },
    async close() {
      for (const socket of arrived) socket.destroy();
      const closed = once(server, "close");
      server.close();
      await closed;
    },
  };
}

async function readOffer(socket: Socket): Promise<SshOffer> {
  let bytes = Buffer.alloc(0);
  for await (const chunk of socket as AsyncIterable<Buffer>) {
    bytes = Buffer.concat([bytes, chunk]);
    const offer = parseOffer(bytes);
    if (offer !== undefined) return offer;
  }
  throw new Error("the client hung up before its KEXINIT");
}

/** Undefined until all of it has come. */
export function parseOffer(bytes: Buffer): SshOffer | undefined {
  const lineEnd = bytes.indexOf("\n");
  if (lineEnd === -1) return undefined;
  const identification = bytes.subarray(0, lineEnd).toString("latin1").trimEnd();
  const packet = bytes.subarray(lineEnd + 1);
  if (packet.length < 4) return undefined;
  const length = packet.readUInt32BE();
  if (length > LONGEST_PACKET) throw new Error(`a packet of ${length} bytes`);
  if (packet.length < 4 + length) return undefined;
  const payload = packet.subarray(5, 4 + length - packet.readUInt8(4));
  if (payload[0] !== KEXINIT) throw new Error(`message ${payload[0] ?? "none"} instead of KEXINIT`);

  let at = 1 + COOKIE_BYTES;
  const nameList = (): readonly string[] => {
    const end = at + 4 + payload.readUInt32BE(at);
    const names = payload.subarray(at + 4, end).toString("latin1");
    at = end;
    return names === "" ? [] : names.split(",");
  };
  return {
    identification,
    kex: nameList(),
    hostKeys: nameList(),
    ciphersOut: nameList(),
    ciphersIn: nameList(),
    macsOut: nameList(),
    macsIn: nameList(),
    compressionOut: nameList(),
    compressionIn: nameList(),
  };
}

/** A KEXINIT of a server that agrees with every modern client. */
export function encodeKexinit(): Buffer {
  const lists = [
    "curve25519-sha256",
    "ssh-ed25519",
    ...["aes128-ctr", "aes128-ctr", "hmac-sha2-256", "hmac-sha2-256", "none", "none", "", ""],
  ].map((names) => {
    const length = Buffer.alloc(4);
    length.writeUInt32BE(names.length);
    return Buffer.concat([length, Buffer.from(names)]);
  });
  // After the lists: no guess follows, and a number that is reserved.
  const payload = Buffer.concat([
    Buffer.from([KEXINIT]),
    randomBytes(COOKIE_BYTES),
    ...lists,
    Buffer.alloc(1 + 4),
  ]);
  // At least four bytes of padding.
  const padding = 4 + ((2 * BLOCK_BYTES - ((5 + payload.length + 4) % BLOCK_BYTES)) % BLOCK_BYTES);
  const header = Buffer.alloc(5);
  header.writeUInt32BE(1 + payload.length + padding);
  header.writeUInt8(padding, 4);
  return Buffer.concat([header, payload, Buffer.alloc(padding)]);
}
