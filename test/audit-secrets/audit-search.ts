import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { expect } from "vitest";
import { createByteSearch, type ByteSearch } from "./byte-search.js";
import { usedSecrets } from "./used-secrets.js";

/** What is secret by its form, whether a test is known to have used it or not: tokens, recovery keys, private keys, JWTs. */
const SECRET_FORMS = [
  // A hash or a MAC may hold these letters by chance.
  /(?<![\w-])tok_[\w-]{20,}/,
  /\b(?:[0-9A-HJKMNP-TV-Z]{4}-){8}[0-9A-HJKMNP-TV-Z]{4}\b/,
  /-----BEGIN [A-Z ]*PRIVATE KEY-----/,
  /\beyJ[\w-]{8,}\.eyJ[\w-]{8,}\./,
];
const SHORTEST_SECRET = 8;
const AUDIT_FILE = /^audit.*\.jsonl$/;

export interface FoundSecret {
  readonly file: string;
  /** The first four characters of it, as it stands there. */
  readonly start: string;
}

/** Where one of the secrets, or what is secret by its form, stands in the audit files of a data directory. */
export async function secretInAudit(
  dataDir: string,
  secrets: Iterable<string> = [],
): Promise<FoundSecret | undefined> {
  return findInAudit(dataDir, createByteSearch([...secrets].flatMap(formsOf)));
}

async function findInAudit(dataDir: string, search: ByteSearch): Promise<FoundSecret | undefined> {
  const names = await readdir(dataDir).catch(() => []);
  for (const file of names.filter((name) => AUDIT_FILE.test(name))) {
    // A test may have put anything in the place of a file.
    const bytes = await readFile(join(dataDir, file)).catch(() => Buffer.alloc(0));
    const found = search.in(bytes) ?? formIn(bytes.toString("latin1"));
    if (found !== undefined) return { file, start: found.slice(0, 4) };
  }
  return undefined;
}

/** For all that this process has used. Of thousands of servers, none should have the secrets of all before it looked up. */
const ofUsed = createByteSearch();
let known = 0;

/** For the end of each server of a test: nothing that any test of this process used as a secret is in its audit log. */
export async function refuseSecretsInAudit(dataDir: string): Promise<void> {
  const used = usedSecrets();
  for (const secret of [...used].slice(known)) for (const form of formsOf(secret)) ofUsed.add(form);
  known = used.size;
  const found = await findInAudit(dataDir, ofUsed);
  if (found !== undefined)
    throw new Error(`${join(dataDir, found.file)} holds a secret of a test (${found.start}…)`);
}

/** Whatever a test used as a secret stands in no file of a data directory's audit log, nor do the usual encodings of it. */
export async function expectNoSecretInAudit(dataDir: string, secrets: readonly string[]): Promise<void> {
  const names = (await readdir(dataDir)).filter((name) => AUDIT_FILE.test(name));
  expect(names).not.toEqual([]);
  expect(await secretInAudit(dataDir, secrets)).toBeUndefined();
}

function formIn(text: string): string | undefined {
  for (const form of SECRET_FORMS) {
    const found = form.exec(text)?.[0];
    if (found !== undefined) return found;
  }
  return undefined;
}

/** As it is, percent-encoded, as JSON has it, in base64, and in hex. */
function formsOf(secret: string): string[] {
  return [
    ...new Set([
      secret,
      encodeURIComponent(secret),
      JSON.stringify(secret).slice(1, -1),
      ...base64Of(secret),
      ...hexOf(secret),
    ]),
  ];
}

/** At each of the three places where a secret can begin in what is encoded, without the characters that others share. */
function base64Of(secret: string): string[] {
  return [0, 1, 2].flatMap((shift) => {
    const bytes = Buffer.concat([Buffer.alloc(shift), Buffer.from(secret)]);
    const own = (text: string): string => text.slice(shift === 0 ? 0 : 4).replace(/..=*$/, "");
    return [own(bytes.toString("base64")), own(bytes.toString("base64url"))];
  });
}

/** What is shorter is no secret to the vault either. */
function hexOf(secret: string): string[] {
  if (secret.length < SHORTEST_SECRET) return [];
  const hex = Buffer.from(secret).toString("hex");
  return [hex, hex.toUpperCase()];
}
