import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { expect } from "vitest";

/** Whatever a test used as a secret stands in no file of a data directory's audit log, nor do the usual encodings of it. */
export async function expectNoSecretInAudit(dataDir: string, secrets: readonly string[]): Promise<void> {
  const names = (await readdir(dataDir)).filter((name) => /^audit.*\.jsonl$/.test(name));
  expect(names).not.toEqual([]);
  for (const name of names) {
    const text = await readFile(join(dataDir, name), "utf8");
    for (const secret of secrets) {
      for (const form of [secret, encodeURIComponent(secret), ...base64Of(secret)]) {
        expect(text.includes(form), `${name} holds a secret (${form.slice(0, 4)}…)`).toBe(false);
      }
    }
  }
}

/** At each of the three places where a secret can begin in what is encoded, without the characters that others share. */
function base64Of(secret: string): string[] {
  return [0, 1, 2].flatMap((shift) => {
    const bytes = Buffer.concat([Buffer.alloc(shift), Buffer.from(secret)]);
    const own = (text: string): string => text.slice(shift === 0 ? 0 : 4).replace(/..=*$/, "");
    return [own(bytes.toString("base64")), own(bytes.toString("base64url"))];
  });
}
