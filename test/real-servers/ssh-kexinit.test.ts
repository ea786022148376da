import { execFile } from "node:child_process";
import { once } from "node:events";
import { connect } from "node:net";
import { promisify } from "node:util";
import ssh2 from "ssh2";
import { afterAll, beforeAll, expect, test } from "vitest";
import { cleanEnvironment } from "../live/processes.js";
import { encodeKexinit, parseOffer, startOfferReader, type OfferReader } from "./ssh-kexinit.js";

let reader: OfferReader;

beforeAll(async () => {
  reader = await startOfferReader();
});

afterAll(async () => {
  await reader.close();
});

test("what OpenSSH's client offers is read", async () => {
  const offer = reader.next();
  const settings = [
    ...["-o", "KexAlgorithms=curve25519-sha256,ecdh-sha2-nistp256", "-o", "Ciphers=aes128-gcm@openssh.com"],
    ...["-o", "MACs=hmac-sha2-256", "-o", "HostKeyAlgorithms=ssh-ed25519"],
  ];
  const client = promisify(execFile)(
    "ssh",
    ["-F", "none", ...settings, "-o", "BatchMode=yes", "-p", String(reader.port), reader.host, "true"],
    { env: cleanEnvironment() },
  ).catch(() => undefined);
  expect(await offer).toMatchObject({
    identification: expect.stringMatching(/^SSH-2\.0-OpenSSH_/) as string,
    kex: expect.arrayContaining(["curve25519-sha256", "ecdh-sha2-nistp256", "ext-info-c"]) as string[],
    hostKeys: ["ssh-ed25519"],
    ciphersOut: ["aes128-gcm@openssh.com"],
    ciphersIn: ["aes128-gcm@openssh.com"],
    macsOut: ["hmac-sha2-256"],
    macsIn: ["hmac-sha2-256"],
    compressionOut: ["none", "zlib@openssh.com", "zlib"],
  });
  await client;
});

test("what ssh2 offers is read", async () => {
  const client = new ssh2.Client();
  client.on("error", () => undefined);
  client.connect({
    host: reader.host,
    port: reader.port,
    username: "me",
    algorithms: { cipher: ["aes256-ctr"], compress: ["none"] },
  });
  const offer = await reader.next();
  expect(offer.ciphersOut).toEqual(["aes256-ctr"]);
  expect(offer.compressionIn).toEqual(["none"]);
  expect(offer.kex).toContain("curve25519-sha256");
  client.destroy();
});

test("a client that hangs up before it offers anything is an error", async () => {
  const offer = reader.next();
  const socket = connect(reader.port, reader.host).resume();
  const closed = once(socket, "close");
  socket.end("SSH-2.0-short\r\n");
  await expect(offer).rejects.toThrow("hung up");
  await closed;
});

test("an offer is read wherever it is split, and our own can be read", () => {
  const bytes = Buffer.concat([Buffer.from("SSH-2.0-us\r\n"), encodeKexinit()]);
  const whole = parseOffer(bytes);
  expect(whole).toMatchObject({
    identification: "SSH-2.0-us",
    kex: ["curve25519-sha256"],
    macsIn: ["hmac-sha2-256"],
  });
  for (let end = 0; end < bytes.length; end += 1) expect(parseOffer(bytes.subarray(0, end))).toBeUndefined();
});
