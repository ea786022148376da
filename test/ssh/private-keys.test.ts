import { execFileSync } from "node:child_process";
import { once } from "node:events";
import type { AddressInfo } from "node:net";
import ssh2, { type Connection, type ParsedKey, type PublicKeyAuthMethod } from "ssh2";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import {
  onlyModernSignatures,
  readSshPrivateKey,
} from "../../packages/server/src/auth-strategies/ssh-private-key.js";
import { Secret } from "../../packages/server/src/redaction/secret.js";
import { startSshd, type RunningSshd } from "../real-servers/openssh.js";
import { makeSshKey, type SshKey } from "../real-servers/ssh-keys.js";

const PASSPHRASE = "correct horse";

let server: RunningSshd;

beforeAll(async () => {
  server = await startSshd();
});

afterAll(async () => {
  await server.stop();
});

const read = (file: string, passphrase?: string): ParsedKey =>
  readSshPrivateKey(Buffer.from(file), passphrase === undefined ? undefined : new Secret(passphrase), "key");

/** Logs in with a key, by ssh2: what has happened first. */
async function logIn(
  to: { readonly host: string; readonly port: number; readonly user: string },
  key: ParsedKey,
): Promise<"logged in" | "refused"> {
  const client = new ssh2.Client();
  const method: PublicKeyAuthMethod = { type: "publickey", username: to.user, key };
  try {
    return await new Promise((resolve) => {
      client.on("ready", () => resolve("logged in"));
      client.on("error", () => resolve("refused"));
      client.connect({
        host: to.host,
        port: to.port,
        username: to.user,
        authHandler: [method],
      });
    });
  } finally {
    client.destroy();
  }
}

/** As other programs write it. */
const rewritten = (key: SshKey, ...command: string[]): string =>
  execFileSync("openssl", command, {
    input: read(key.privateKey).getPrivatePEM(),
    stdio: "pipe",
  }).toString();

describe("OpenSSH takes the log-in with a key", () => {
  test.each([
    { type: "ed25519" },
    { type: "ecdsa", bits: 256 },
    { type: "ecdsa", bits: 384 },
    { type: "ecdsa", bits: 521 },
    { type: "rsa", bits: 3072 },
  ] as const)("$type $bits, of OpenSSH's format and of PKCS #8", async (kind) => {
    const key = await makeSshKey(kind);
    expect(await logIn(server, read(key.privateKey))).toBe("refused");
    await server.authorize(key.publicLine);
    expect(await logIn(server, onlyModernSignatures(read(key.privateKey), false))).toBe("logged in");
    const pkcs8 = rewritten(key, "pkcs8", "-topk8", "-passout", `pass:${PASSPHRASE}`);
    expect(await logIn(server, onlyModernSignatures(read(pkcs8, PASSPHRASE), false))).toBe("logged in");
  });
});

describe("with a server that does not say what signatures it takes", () => {
  test("an RSA key signs with SHA-1 where that is allowed, and nothing where it is not", async () => {
    const signed: string[] = [];
    const old = await startServerWithoutSignatureList((algorithm) => signed.push(algorithm));
    try {
      const key = read((await makeSshKey({ type: "rsa" })).privateKey);
      expect(await logIn(old, onlyModernSignatures(key, false))).toBe("refused");
      expect(signed).toEqual([]);
      expect(await logIn(old, onlyModernSignatures(key, true))).toBe("logged in");
      expect(signed).toEqual(["ssh-rsa"]);
      const ed25519 = read((await makeSshKey()).privateKey);
      expect(await logIn(old, onlyModernSignatures(ed25519, false))).toBe("logged in");
    } finally {
      old.close();
    }
  });
});

interface OldServer {
  readonly host: string;
  readonly port: number;
  readonly user: string;
  close(): void;
}

/** RFC 8308 lets a server leave out `server-sig-algs`; those from before it all do. */
async function startServerWithoutSignatureList(onSignature: (algorithm: string) => void): Promise<OldServer> {
  const keys = ssh2.utils.generateKeyPairSync("ed25519");
  const server = new ssh2.Server({ hostKeys: [keys.private] }, (client) => {
    sendNoExtensions(client);
    client.on("error", () => undefined);
    client.on("authentication", (context) => {
      if (context.method !== "publickey") {
        context.reject(["publickey"]);
        return;
      }
      if (context.signature !== undefined) onSignature(context.key.algo);
      context.accept();
    });
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  return { host: "127.0.0.1", port, user: "me", close: () => server.close() };
}

/** ssh2's server sends them to every client that understands them. */
function sendNoExtensions(client: Connection): void {
  const { _protocol } = client as unknown as { _protocol: object };
  let exchange: object | undefined;
  Object.defineProperty(_protocol, "_kex", {
    get: () => exchange && Object.assign(exchange, { remoteExtInfoEnabled: false }),
    set: (value: object | undefined) => (exchange = value),
  });
}
