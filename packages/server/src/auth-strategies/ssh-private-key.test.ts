import { execFileSync } from "node:child_process";
import { createPrivateKey, generateKeyPairSync } from "node:crypto";
import fc from "fast-check";
import ssh2, { type ParsedKey } from "ssh2";
import { describe, expect, test } from "vitest";
import { makeSshKey, type SshKeyOptions } from "../../../../test/real-servers/ssh-keys.js";
import { VaultProxyError } from "../errors/vault-proxy-error.js";
import { Secret } from "../redaction/secret.js";
import { onlyModernSignatures, readSshPrivateKey } from "./ssh-private-key.js";

const FIELD = "auth.ssh_key_file_ref";
const PASSPHRASE = "pass phrase: pässwörd";

const read = (file: string | Uint8Array, passphrase?: string): ParsedKey =>
  readSshPrivateKey(
    typeof file === "string" ? Buffer.from(file) : file,
    passphrase === undefined ? undefined : new Secret(passphrase),
    FIELD,
  );

/** The reason after the field. */
function refusal(file: string | Uint8Array, passphrase?: string): string {
  try {
    read(file, passphrase);
  } catch (error) {
    if (!(error instanceof VaultProxyError)) throw error;
    expect(error.code).toBe("invalid_request");
    expect(error.cause).toBeUndefined();
    expect(error.message.startsWith(`${FIELD}: `)).toBe(true);
    return error.message.slice(FIELD.length + 2);
  }
  throw new Error("the key was taken");
}

const publicLineOf = (key: ParsedKey): string => `${key.type} ${key.getPublicSSH().toString("base64")}`;

/** openssl(1) writes what it makes of standard input. */
const openssl = (input: string, ...args: string[]): string =>
  execFileSync("openssl", args, { input, stdio: "pipe" }).toString();

const KINDS = [
  { type: "ed25519" },
  { type: "ecdsa", bits: 256 },
  { type: "ecdsa", bits: 384 },
  { type: "ecdsa", bits: 521 },
  { type: "rsa", bits: 2048 },
] as const satisfies readonly SshKeyOptions[];

describe.each(KINDS)("a key of ssh-keygen, $type $bits", (kind) => {
  test("is read from OpenSSH's format, with any line ends and blanks around", async () => {
    const key = await makeSshKey(kind);
    expect(publicLineOf(read(key.privateKey))).toBe(key.publicLine);
    const lines = key.privateKey.trim().split("\n");
    for (const pasted of [
      lines.join("\n"),
      `${lines.join("\r\n")}\r\n`,
      lines.join("\r"),
      `\uFEFF\n\n  ${lines.join(" \t\n   ")}  \n\n`,
    ]) {
      expect(publicLineOf(read(pasted))).toBe(key.publicLine);
    }
  });

  test("is read with its passphrase alone", async () => {
    const key = await makeSshKey({ ...kind, passphrase: PASSPHRASE, options: ["-a", "2"] });
    expect(publicLineOf(read(key.privateKey, PASSPHRASE))).toBe(key.publicLine);
    expect(refusal(key.privateKey)).toBe("is encrypted: auth.ssh_key_passphrase is needed");
    expect(refusal(key.privateKey, "wrong")).toBe(
      "cannot be decrypted: auth.ssh_key_passphrase is wrong, or the file is damaged",
    );
  });

  test("is read from PKCS #8, in the clear and encrypted", async () => {
    const key = await makeSshKey(kind);
    const pkcs8 = String(
      createPrivateKey(read(key.privateKey).getPrivatePEM()).export({ type: "pkcs8", format: "pem" }),
    );
    expect(publicLineOf(read(pkcs8))).toBe(key.publicLine);
    for (const how of [
      ["-v2", "aes256", "-iter", "1000"],
      ["-v2", "aes-128-cbc", "-v2prf", "hmacWithSHA512"],
      ["-scrypt"],
    ]) {
      const encrypted = openssl(pkcs8, "pkcs8", "-topk8", ...how, "-passout", `pass:${PASSPHRASE}`);
      expect(publicLineOf(read(encrypted, PASSPHRASE))).toBe(key.publicLine);
      expect(refusal(encrypted)).toBe("is encrypted: auth.ssh_key_passphrase is needed");
      expect(refusal(encrypted, "wrong")).toMatch(/^cannot be decrypted/);
    }
  });
});

test.each(KINDS.slice(1))("a key of traditional PEM is read, $type $bits", async (kind) => {
  const key = await makeSshKey({ ...kind, options: ["-m", "PEM"] });
  expect(key.privateKey).toMatch(/^-----BEGIN (RSA|EC) PRIVATE KEY-----\n/);
  expect(publicLineOf(read(key.privateKey))).toBe(key.publicLine);
  for (const cipher of ["-aes128", "-aes256", "-des3"]) {
    const format = kind.type === "rsa" ? ["rsa", "-traditional"] : ["ec"];
    const encrypted = openssl(key.privateKey, ...format, cipher, "-passout", `pass:${PASSPHRASE}`);
    expect(encrypted).toContain("Proc-Type: 4,ENCRYPTED");
    expect(publicLineOf(read(encrypted, PASSPHRASE))).toBe(key.publicLine);
    expect(publicLineOf(read(encrypted.replaceAll("\n", "\r\n"), PASSPHRASE))).toBe(key.publicLine);
    expect(refusal(encrypted)).toBe("is encrypted: auth.ssh_key_passphrase is needed");
    expect(refusal(encrypted, "wrong")).toMatch(/^cannot be decrypted/);
  }
});

test.each([
  "aes128-ctr",
  "aes192-ctr",
  "aes256-ctr",
  "aes128-cbc",
  "aes256-cbc",
  "aes128-gcm@openssh.com",
  "aes256-gcm@openssh.com",
])("a key that ssh-keygen encrypted with %s is read", async (cipher) => {
  const key = await makeSshKey({ passphrase: PASSPHRASE, options: ["-a", "1", "-Z", cipher] });
  expect(publicLineOf(read(key.privateKey, PASSPHRASE))).toBe(key.publicLine);
  expect(refusal(key.privateKey, `${PASSPHRASE} `)).toMatch(/^cannot be decrypted/);
});

test("the curve that openssl-ecparam puts before its key is passed over", () => {
  const file = openssl("", "ecparam", "-name", "secp384r1", "-genkey");
  expect(file).toContain("-----BEGIN EC PARAMETERS-----");
  expect(read(file).type).toBe("ecdsa-sha2-nistp384");
});

test("signatures of what is read are right", async () => {
  for (const kind of KINDS) {
    const key = read((await makeSshKey(kind)).privateKey);
    const hash = kind.type === "rsa" ? "sha512" : undefined;
    const data = Buffer.from("signed");
    expect(key.verify(data, key.sign(data, hash), hash)).toBe(true);
  }
});

const pem = (type: "pkcs1" | "pkcs8" | "sec1") => ({ type, format: "pem" as const });

describe("a file is refused, with the reason, if it is", () => {
  const rsa = generateKeyPairSync("rsa", { modulusLength: 2048 }).privateKey;

  test.each([
    ["empty", "", "is empty"],
    ["blank", " \r\n \n", "is empty"],
    ["some text", "hello", "holds no private key"],
    ["binary", Buffer.from([0xff, 0xfe, 0, 1, 2]), "holds no private key"],
    ["JSON", '{"private_key": "-----BEGIN PRIVATE KEY-----"}', "holds no private key"],
    ["too large", "x".repeat(32_769), "is too large for a private key: more than 32 KiB"],
    [
      "a key of PuTTY",
      "PuTTY-User-Key-File-3: ssh-ed25519\r\nEncryption: none\r\n",
      "is a key of PuTTY: convert it with puttygen -O private-openssh",
    ],
    [
      "an RSA key of 1024 bits",
      generateKeyPairSync("rsa", { modulusLength: 1024 }).privateKey.export(pem("pkcs1")),
      "is an RSA key of 1024 bits: at least 2048 are needed",
    ],
    [
      "a key on another curve",
      generateKeyPairSync("ec", { namedCurve: "secp256k1" }).privateKey.export(pem("sec1")),
      "is an ECDSA key on a curve other than P-256, P-384, P-521",
    ],
    [
      "an Ed448 key",
      generateKeyPairSync("ed448").privateKey.export(pem("pkcs8")),
      "is a key of a kind that is not supported: use one of Ed25519, ECDSA or RSA",
    ],
    [
      "a key for RSA-PSS alone",
      generateKeyPairSync("rsa-pss", { modulusLength: 2048 }).privateKey.export(pem("pkcs8")),
      "is a key of a kind that is not supported: use one of Ed25519, ECDSA or RSA",
    ],
    [
      "a DSA key",
      generateKeyPairSync("dsa", { modulusLength: 1024, divisorLength: 160 }).privateKey.export(pem("pkcs8")),
      "is a DSA key, which servers no longer take: use one of Ed25519, ECDSA or RSA",
    ],
    [
      "two keys",
      String(rsa.export(pem("pkcs1"))) + String(rsa.export(pem("pkcs8"))),
      "holds several keys: only one can be used",
    ],
    ["a key and more", `${String(rsa.export(pem("pkcs1")))}\nhello`, "holds more than a private key"],
    [
      "a key and its public half",
      String(rsa.export(pem("pkcs1"))) +
        "-----BEGIN PUBLIC KEY-----\nMCowBQYDK2VwAyEA\n-----END PUBLIC KEY-----\n",
      "holds more than a private key",
    ],
    [
      "a public key in PEM",
      "-----BEGIN PUBLIC KEY-----\nMCowBQYDK2VwAyEA\n-----END PUBLIC KEY-----\n",
      "is a public key: the private one is in the file without .pub",
    ],
    [
      "a certificate in PEM",
      "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n",
      "is a certificate, not a private key",
    ],
    [
      "no key that is known",
      "-----BEGIN ANY PRIVATE KEY-----\nMIIB\n-----END ANY PRIVATE KEY-----\n",
      "holds no private key of a format that is known",
    ],
    ["a message", "-----BEGIN PGP MESSAGE-----\nMIIB\n-----END PGP MESSAGE-----\n", "holds no private key"],
    [
      "not in Base64",
      "-----BEGIN PRIVATE KEY-----\nnot? base64!\n-----END PRIVATE KEY-----\n",
      "is damaged: it is not in Base64",
    ],
    [
      "garbage in Base64",
      "-----BEGIN OPENSSH PRIVATE KEY-----\nAAAA\n-----END OPENSSH PRIVATE KEY-----\n",
      "is damaged: its private key cannot be read",
    ],
    [
      "cut off",
      String(rsa.export(pem("pkcs1"))).split("-----END")[0] ?? "",
      "is cut off: the line that ends the key is missing",
    ],
    [
      "encrypted with an old cipher",
      "-----BEGIN RSA PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\nDEK-Info: RC2-CBC,0123456789ABCDEF\n\nMIIB\n" +
        "-----END RSA PRIVATE KEY-----\n",
      "is encrypted with a cipher that is not supported: encrypt it anew with ssh-keygen -p",
      PASSPHRASE,
    ],
  ] as const)("%s", (_, file, reason, ...passphrase: string[]) => {
    expect(refusal(file, passphrase[0])).toBe(reason);
  });

  test("a public key or a certificate of ssh-keygen", async () => {
    const key = await makeSshKey();
    expect(refusal(`${key.publicLine} me@host\n`)).toMatch(/^is a public key/);
    expect(refusal("---- BEGIN SSH2 PUBLIC KEY ----\nAAAA\n---- END SSH2 PUBLIC KEY ----\n")).toMatch(
      /^is a public key/,
    );
    expect(refusal("ssh-ed25519-cert-v01@openssh.com AAAAIHNzaC1 me\n")).toMatch(/^is a certificate/);
  });

  // Newer versions of ssh-keygen make none.
  test("a DSA key, in OpenSSH's format and in traditional PEM", () => {
    const reason = "is a DSA key, which servers no longer take: use one of Ed25519, ECDSA or RSA";
    expect(refusal(openSshFile({ type: "ssh-dss" }))).toBe(reason);
    expect(refusal("-----BEGIN DSA PRIVATE KEY-----\nMIIB\n-----END DSA PRIVATE KEY-----")).toBe(reason);
  });

  test("an RSA key of 1024 bits in OpenSSH's format", async () => {
    const key = await makeSshKey({ type: "rsa", bits: 1024 });
    expect(refusal(key.privateKey)).toBe("is an RSA key of 1024 bits: at least 2048 are needed");
  });

  test("not encrypted, when there is a passphrase", async () => {
    const reason = "is not encrypted: leave auth.ssh_key_passphrase out";
    expect(refusal((await makeSshKey()).privateKey, PASSPHRASE)).toBe(reason);
    expect(refusal(String(rsa.export(pem("pkcs1"))), PASSPHRASE)).toBe(reason);
    expect(refusal(String(rsa.export(pem("pkcs8"))), PASSPHRASE)).toBe(reason);
  });

  test("encrypted, and the passphrase is longer than OpenSSL takes", () => {
    expect(refusal("x", "é".repeat(512))).toBe("auth.ssh_key_passphrase is longer than 1,023 bytes");
  });

  test("encrypted with a cipher that ssh2 does not decrypt", async () => {
    for (const cipher of ["chacha20-poly1305@openssh.com", "3des-cbc"]) {
      const key = await makeSshKey({ passphrase: PASSPHRASE, options: ["-a", "1", "-Z", cipher] });
      expect(refusal(key.privateKey, PASSPHRASE)).toMatch(
        /^is encrypted with a cipher that is not supported/,
      );
    }
  });
});

/** What stands in a file of OpenSSH, changed. */
function changed(file: string, change: (body: Buffer) => Buffer): string {
  const [begin = "", ...lines] = file.trim().split("\n");
  const end = lines.pop() ?? "";
  return `${begin}\n${change(Buffer.from(lines.join(""), "base64")).toString("base64")}\n${end}\n`;
}

/** A string as in RFC 4251 §5. */
function string(value: Buffer | string): Buffer {
  const bytes = Buffer.from(value);
  const length = Buffer.alloc(4);
  length.writeUInt32BE(bytes.length);
  return Buffer.concat([length, bytes]);
}

function openSshFile(fields: {
  cipher?: string;
  kdf?: string;
  rounds?: number;
  keys?: number;
  type: string;
}): string {
  const { cipher = "none", kdf = "none", rounds, keys = 1, type } = fields;
  const number = (value: number): Buffer => Buffer.from([value >>> 24, value >>> 16, value >>> 8, value]);
  const options = rounds === undefined ? Buffer.alloc(0) : Buffer.concat([string("salt"), number(rounds)]);
  const body = Buffer.concat([
    Buffer.from("openssh-key-v1\0"),
    ...[string(cipher), string(kdf), string(options), number(keys), string(string(type))],
    string(Buffer.alloc(64)),
  ]);
  return `-----BEGIN OPENSSH PRIVATE KEY-----\n${body.toString("base64")}\n-----END OPENSSH PRIVATE KEY-----`;
}

describe("what a key may cost to read is limited", () => {
  const SOON_MS = 1_000;

  function refusalAtOnce(file: string, passphrase?: string): string {
    const start = performance.now();
    const reason = refusal(file, passphrase);
    expect(performance.now() - start).toBeLessThan(SOON_MS);
    return reason;
  }

  test("the rounds of bcrypt", () => {
    const encrypted = { cipher: "aes256-ctr", kdf: "bcrypt", type: "ssh-ed25519" };
    for (const rounds of [129, 0xffffffff]) {
      expect(refusalAtOnce(openSshFile({ ...encrypted, rounds }), PASSPHRASE)).toBe(
        "is encrypted with more than 128 rounds of bcrypt: encrypt it anew with ssh-keygen -p -a 64",
      );
    }
    expect(refusal(openSshFile({ ...encrypted, rounds: 1 }), PASSPHRASE)).toMatch(/^cannot be decrypted/);
  });

  test("the iterations of PBKDF2 and the work of scrypt", () => {
    const key = String(generateKeyPairSync("ed25519").privateKey.export(pem("pkcs8")));
    const encrypted = (iterations: number): string =>
      openssl(
        key,
        ...["pkcs8", "-topk8", "-v2", "aes256", "-iter", String(iterations)],
        ...["-passout", `pass:${PASSPHRASE}`],
      );
    const reason = /^is encrypted so that it takes too long to decrypt/;
    expect(read(encrypted(1_000_000), PASSPHRASE).type).toBe("ssh-ed25519");
    expect(refusalAtOnce(encrypted(1_000_001), PASSPHRASE)).toMatch(reason);
    const scrypt = openssl(
      key,
      ...["pkcs8", "-topk8", "-scrypt", "-scrypt_N", "1024", "-scrypt_r", "1", "-scrypt_p", "1025"],
      ...["-passout", `pass:${PASSPHRASE}`],
    );
    expect(refusalAtOnce(scrypt, PASSPHRASE)).toMatch(reason);
  });

  test("ways of encryption whose cost is not known", () => {
    const key = String(generateKeyPairSync("ed25519").privateKey.export(pem("pkcs8")));
    const old = openssl(key, "pkcs8", "-topk8", "-v1", "PBE-SHA1-3DES", "-passout", `pass:${PASSPHRASE}`);
    expect(refusalAtOnce(old, PASSPHRASE)).toMatch(/^is encrypted in a way that is not supported/);
  });

  test("the length of RSA keys", () => {
    const jwk = generateKeyPairSync("rsa", { modulusLength: 2048 }).privateKey.export({ format: "jwk" });
    const long = createPrivateKey({
      key: { ...jwk, n: Buffer.alloc(1025, 0xff).toString("base64url") },
      format: "jwk",
    });
    expect(refusalAtOnce(String(long.export(pem("pkcs1"))))).toBe(
      "is an RSA key of 8200 bits: at most 8192 are taken",
    );
  });

  test("RSA keys whose exponent is longer than their modulus", () => {
    const jwk = generateKeyPairSync("rsa", { modulusLength: 2048 }).privateKey.export({ format: "jwk" });
    // Written here: OpenSSL of Node 24 makes no such key.
    const values = [jwk.n, jwk.e, Buffer.alloc(8192, 0xff), jwk.p, jwk.q, jwk.dp, jwk.dq, jwk.qi];
    const integers = values.map((value) =>
      integer(typeof value === "string" ? Buffer.from(value, "base64url") : (value ?? Buffer.alloc(0))),
    );
    const der = element(0x30, Buffer.concat([integer(Buffer.of(0)), ...integers]));
    const body = der.toString("base64").replace(/.{64}/g, "$&\n");
    const long = [
      "-----BEGIN RSA",
      " PRIVATE KEY-----\n",
      body,
      "\n-----END RSA",
      " PRIVATE KEY-----\n",
    ].join("");
    expect(refusalAtOnce(long)).toBe("is damaged: its private key cannot be read");
  });
});

describe("a file of OpenSSH is refused that holds", () => {
  test.each([
    [{ keys: 2, type: "ssh-ed25519" }, "holds several keys: only one can be used"],
    [{ keys: 0, type: "ssh-ed25519" }, "holds several keys: only one can be used"],
    [
      { type: "sk-ssh-ed25519@openssh.com" },
      "needs a security key at each use: use one of Ed25519, ECDSA or RSA",
    ],
    [
      { type: "ssh-xmss@openssh.com" },
      "is a key of a kind that is not supported: use one of Ed25519, ECDSA or RSA",
    ],
    [{ kdf: "argon2", type: "ssh-ed25519" }, "is damaged: its private key cannot be read"],
  ])("%j", (fields, reason) => {
    expect(refusal(openSshFile(fields))).toBe(reason);
  });

  test("a public half that is of another key", async () => {
    const { privateKey } = await makeSshKey();
    const other = changed(privateKey, (body) => {
      // In the private section, the public key stands once by itself, and once after the seed.
      const type = body.lastIndexOf("ssh-ed25519");
      const at = type + "ssh-ed25519".length + 10;
      body.writeUInt8(body.readUInt8(at) ^ 1, at);
      return body;
    });
    expect(refusal(other)).toBe("is damaged: its public and its private half do not belong together");
  });
});

describe("whatever is changed in a file, it is read or refused, soon", () => {
  const SLOWEST_MS = 2_000;

  async function files(): Promise<readonly [string, string | undefined][]> {
    const clear = await Promise.all(KINDS.map((kind) => makeSshKey(kind)));
    const passphrase = PASSPHRASE;
    const encrypted = await makeSshKey({ passphrase, options: ["-a", "1", "-Z", "aes256-gcm@openssh.com"] });
    const traditional = await makeSshKey({ type: "rsa", bits: 2048, passphrase, options: ["-m", "PEM"] });
    const pkcs8 = String(generateKeyPairSync("ed25519").privateKey.export(pem("pkcs8")));
    const pkcs8Encrypted = openssl(
      pkcs8,
      "pkcs8",
      "-topk8",
      "-iter",
      "100",
      "-passout",
      `pass:${passphrase}`,
    );
    return [
      ...clear.map(({ privateKey }): [string, undefined] => [privateKey, undefined]),
      [encrypted.privateKey, passphrase],
      [traditional.privateKey, passphrase],
      [pkcs8, undefined],
      [pkcs8Encrypted, passphrase],
    ];
  }

  function check(file: string | Uint8Array, passphrase: string | undefined): void {
    const start = performance.now();
    try {
      read(file, passphrase);
    } catch (error) {
      if (!(error instanceof VaultProxyError)) throw error;
      expect(error.message).toMatch(/^auth\.ssh_key_file_ref: [\x20-\x7e]{1,120}$/);
    }
    expect(performance.now() - start).toBeLessThan(SLOWEST_MS);
  }

  test("bytes of the file, or of what it encodes", async () => {
    for (const [file, passphrase] of await files()) {
      fc.assert(
        fc.property(
          fc.array(fc.tuple(fc.nat(), fc.nat(255)), { minLength: 1, maxLength: 3 }),
          fc.boolean(),
          (edits, isInside) => {
            const edit = (bytes: Buffer): Buffer => {
              for (const [at, value] of edits) bytes[at % bytes.length] = value;
              return bytes;
            };
            const hasHeaders = file.includes("Proc-Type");
            check(isInside && !hasHeaders ? changed(file, edit) : edit(Buffer.from(file)), passphrase);
          },
        ),
        { numRuns: 60 },
      );
    }
  });

  test("its length", async () => {
    for (const [file, passphrase] of await files()) {
      fc.assert(
        fc.property(fc.nat(file.length), fc.nat(file.length), (from, to) => {
          check(file.slice(0, to), passphrase);
          check(file.slice(from), passphrase);
          check(
            changed(file, (body) => body.subarray(0, to % (body.length + 1))),
            passphrase,
          );
        }),
        { numRuns: 40 },
      );
    }
  });

  test("all of it", () => {
    fc.assert(fc.property(fc.uint8Array({ maxLength: 2_000 }), (bytes) => check(bytes, undefined)));
    fc.assert(fc.property(fc.string({ maxLength: 200 }), (text) => check(text, PASSPHRASE)));
  });
});

describe("a key of modern signatures only", () => {
  const signWith = (key: ParsedKey, hash?: string): unknown => key.sign(Buffer.from("data"), hash);

  test("gives an Error instead of an RSA signature with SHA-1 or with ssh2's default, which is SHA-1", async () => {
    const key = onlyModernSignatures(read((await makeSshKey({ type: "rsa" })).privateKey), false);
    expect(signWith(key, "sha1")).toBeInstanceOf(Error);
    expect(signWith(key)).toBeInstanceOf(Error);
    expect(signWith(key, "sha256")).toBeInstanceOf(Buffer);
    expect(signWith(key, "sha512")).toBeInstanceOf(Buffer);
  });

  test("is still a key to ssh2", async () => {
    const made = await makeSshKey({ type: "rsa" });
    const key = onlyModernSignatures(read(made.privateKey), false);
    expect(ssh2.utils.parseKey(key)).toBe(key);
    expect(key.isPrivateKey()).toBe(true);
    expect(publicLineOf(key)).toBe(made.publicLine);
  });

  test("signs as before where SHA-1 is allowed, and where the key is no RSA key", async () => {
    const rsa = read((await makeSshKey({ type: "rsa" })).privateKey);
    expect(signWith(onlyModernSignatures(rsa, true), "sha1")).toBeInstanceOf(Buffer);
    const ed25519 = read((await makeSshKey()).privateKey);
    expect(signWith(onlyModernSignatures(ed25519, false))).toBeInstanceOf(Buffer);
  });
});

/** Of a positive number (X.690 §8.3). */
function integer(bytes: Buffer): Buffer {
  return element(0x02, Buffer.concat([Buffer.of(0), bytes]));
}

/** X.690 §8.1.3. */
function element(tag: number, content: Buffer): Buffer {
  const length = Buffer.from(content.length.toString(16).padStart(8, "0"), "hex");
  return Buffer.concat([Buffer.of(tag, 0x84), length, content]);
}
