import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";

import { localFindings } from "./local-checks.js";

let directory: string;
let vaultFile: string;

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), "vault-doctor-"));
  vaultFile = join(directory, "vault.enc");
});

afterEach(() => rm(directory, { recursive: true }));

async function found(check: string) {
  const places = { bin: "vault-cli", env: {}, sessionPath: join(directory, "session"), dataDir: directory };
  const findings = await localFindings({ ...places, now: Date.now() });
  return findings.filter((finding) => finding.check === check);
}

test("a vault file that is none of this server's is told as the Go server's, or damaged", async () => {
  await writeFile(vaultFile, Buffer.alloc(500, 7), { mode: 0o600 });
  expect(await found("vault file")).toMatchObject([
    {
      status: "warn",
      message: expect.stringContaining("is the Go server's, or is damaged") as string,
      mend: "vault-cli vault verify; if that fails, vault-cli vault restore BACKUP",
    },
  ]);
});

test("a vault file with a damaged beginning fails, with its mend", async () => {
  await writeFile(vaultFile, Buffer.concat([Buffer.from("VLTPRX1\n"), Buffer.alloc(200, 7)]), {
    mode: 0o600,
  });
  expect(await found("vault file")).toMatchObject([
    { status: "fail", mend: "vault-cli vault restore BACKUP" },
  ]);
});

test("a directory in the vault file's place fails, and where there is no vault nothing is said", async () => {
  expect(await found("vault file")).toEqual([]);
  await mkdir(vaultFile);
  expect(await found("data directory")).toMatchObject([{ status: "fail" }]);
});
