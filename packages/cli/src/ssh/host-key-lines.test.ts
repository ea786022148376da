import { expect, test } from "vitest";

import { chooseHostKey } from "./host-key-lines.js";

const ED25519 = "box ssh-ed25519 AAAAC3";
const RSA = "box ssh-rsa AAAAB3";
const ECDSA = "box ecdsa-sha2-nistp256 AAAAE2";

test.each([
  [`# box:22 SSH-2.0\n${RSA}\n${ECDSA}\n\n${ED25519}\r\n`, ED25519, 3],
  [`${RSA}\n${ECDSA}`, ECDSA, 2],
  [`  ${RSA}  `, RSA, 1],
  ["SHA256:abc\n", "SHA256:abc", 1],
  ["nonsense", "nonsense", 1],
])("of %j it is %j", (text, line, count) => {
  expect(chooseHostKey(text)).toEqual({ line, count });
});

test.each(["", "\n \n", "# only a comment\n"])("%j holds no key", (text) => {
  expect(chooseHostKey(text)).toBeUndefined();
});
