#!/usr/local/bin/node
/**
 * `make-password FILE`: a random password of 256 bits, readable by this user only, unless the file is there already.
 * Prints where it is, never what it is.
 */
import { randomBytes } from "node:crypto";
import { closeSync, fsyncSync, linkSync, openSync, unlinkSync, writeFileSync } from "node:fs";

const [, , file] = process.argv;
if (file === undefined) {
  process.stderr.write("usage: make-password FILE\n");
  process.exit(2);
}

// Linked into place whole: a crash in between leaves no half of a password, with which a vault would be made.
const draft = `${file}.${randomBytes(8).toString("hex")}`;
const descriptor = openSync(draft, "wx", 0o400);
try {
  writeFileSync(descriptor, `${randomBytes(32).toString("base64url")}\n`);
  fsyncSync(descriptor);
  linkSync(draft, file);
  process.stdout.write(`A new password is in ${file}\n`);
} catch (error) {
  if (!(error instanceof Error && "code" in error && error.code === "EEXIST")) throw error;
  process.stdout.write(`${file} is there already\n`);
} finally {
  closeSync(descriptor);
  unlinkSync(draft);
}
