import { expect, test } from "vitest";
import { makeSshKey } from "../../../../test/real-servers/ssh-keys.js";
import { Secret } from "../redaction/secret.js";
import { createSshKeys } from "./ssh-keys.js";

const access = (passphrase: string) => ({
  keyFile: "k",
  passphrase: new Secret(passphrase),
  legacyAlgorithms: [],
});

test("an encrypted key is decrypted once, until it or its passphrase changes, or the vault is locked", async () => {
  let file = Buffer.from((await makeSshKey({ passphrase: "one" })).privateKey);
  const keys = createSshKeys(() => Promise.resolve(Buffer.from(file)));
  const first = await keys.read("box", access("one"));
  const startedAt = performance.now();
  expect(await keys.read("box", access("one"))).toBe(first);
  expect(performance.now() - startedAt).toBeLessThan(50);
  await expect(keys.read("box", access("another"))).rejects.toMatchObject({ code: "invalid_request" });
  file = Buffer.from((await makeSshKey({ passphrase: "one" })).privateKey);
  const second = await keys.read("box", access("one"));
  expect(second.getPublicSSH().equals(first.getPublicSSH())).toBe(false);
  keys.clear();
  expect(await keys.read("box", access("one"))).not.toBe(second);
});

test("a key signs with SHA-1 only for a service that allows it", async () => {
  const { privateKey } = await makeSshKey({ type: "rsa", bits: 2048 });
  const keys = createSshKeys(() => Promise.resolve(Buffer.from(privateKey)));
  const read = (legacyAlgorithms: string[]) =>
    keys.read("box", { keyFile: "k", passphrase: undefined, legacyAlgorithms });
  const data = Buffer.from("signed");
  expect((await read([])).sign(data, "sha1")).toBeInstanceOf(Error);
  expect((await read(["ssh-rsa"])).sign(data, "sha1")).toBeInstanceOf(Buffer);
});
