import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { Secret } from "../../packages/server/src/redaction/secret.js";
import { deriveKey } from "../../packages/server/src/vault/key-derivation.js";
import {
  openVaultFile,
  type OpenedVault,
  type OpeningTools,
} from "../../packages/server/src/vault/opened-vault.js";
import { WrongPasswordError } from "../../packages/server/src/vault/vault-file-error.js";

/* Vaults that were made from docs/vault-format.md alone; test_vaults.py reads them with the independent reader. */

interface FileContents {
  readonly mime_type: string;
  readonly created_at: string;
  readonly size: number;
  readonly sha256: string;
}

interface VaultVector {
  readonly file: string;
  readonly password: string;
  readonly recovery_key: string | null;
  readonly outcome: "opens" | "refused" | "newer";
  readonly violates?: string;
  readonly contents?: {
    readonly generation: number;
    readonly created_at: string;
    readonly slots: readonly string[];
    readonly collections: Readonly<Record<string, Readonly<Record<string, unknown>>>>;
    readonly files: Readonly<Record<string, FileContents>>;
  };
}

const { vaults } = JSON.parse(readFileSync(new URL("vaults.json", import.meta.url), "utf8")) as {
  vaults: VaultVector[];
};
const bytesOf = ({ file }: VaultVector): Buffer => readFileSync(new URL(file, import.meta.url));

const tools: OpeningTools = {
  derive: deriveKey,
  // The least that a file may ask for, so that no slot is made anew.
  cost: { memoryKib: 8, passes: 1, lanes: 1 },
  breathe: () => Promise.resolve(),
  importService: (name, json) => ({ name, record: json }),
  clock: () => 0,
};

const open = (vector: VaultVector, password: string): Promise<OpenedVault> =>
  openVaultFile(bytesOf(vector), new Secret(password), tools);

const waysIn = ({ password, recovery_key }: VaultVector): string[] =>
  recovery_key === null ? [password] : [password, recovery_key];

function revealed(value: unknown): unknown {
  if (value instanceof Secret) return value.reveal();
  if (Array.isArray(value)) return value.map(revealed);
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, revealed(inner)]));
}

function contentsOf({
  key,
  content,
}: OpenedVault): Pick<NonNullable<VaultVector["contents"]>, "collections" | "files"> {
  const collections = Object.fromEntries(
    Object.entries(content.collections).map(([name, records]) => [
      name,
      Object.fromEntries([...records].map(([entry, record]) => [entry, revealed(record)])),
    ]),
  );
  const files = Object.fromEntries(
    [...content.files].map(([name, { mimeType, createdAt, size, segment }]) => {
      const sha256 = createHash("sha256").update(key.open(segment)).digest("hex");
      return [name, { mime_type: mimeType, created_at: createdAt, size, sha256 }];
    }),
  );
  return { collections: collections, files };
}

const ofOutcome = (outcome: VaultVector["outcome"]): [string, VaultVector][] =>
  vaults
    .filter((vector) => vector.outcome === outcome)
    .map((vector) => [`${vector.file}: ${vector.violates ?? outcome}`, vector]);

describe("a vault with known contents opens: ", () => {
  test.each(ofOutcome("opens"))("%s", async (_, vector) => {
    const { contents } = vector;
    if (contents === undefined) throw new Error("no contents to compare with");
    for (const password of waysIn(vector)) {
      const opened = await open(vector, password);
      const { collections, files } = contentsOf(opened);
      // A Go vault has services and files alone.
      expect(collections).toMatchObject(contents.collections);
      expect(collections.services).toEqual(contents.collections.services);
      if (opened.source === "go") {
        // The Go server keeps no time with a file, and no type of an odd one.
        expect(Object.entries(files).map(([name, { size, sha256 }]) => [name, size, sha256])).toEqual(
          Object.entries(contents.files).map(([name, { size, sha256 }]) => [name, size, sha256]),
        );
        continue;
      }
      const { header } = opened;
      expect(files).toEqual(contents.files);
      expect(header.generation).toBe(contents.generation);
      expect(header.createdAt).toBe(contents.created_at);
      expect(header.recoverySlot === undefined ? ["password"] : ["password", "recovery"]).toEqual(
        contents.slots,
      );
    }
  });
});

describe("is refused, in the words for a wrong password: ", () => {
  test.each(ofOutcome("refused"))("%s", async (_, vector) => {
    for (const password of waysIn(vector)) {
      const thrown: unknown = await open(vector, password).catch((error: unknown) => error);
      expect(thrown).toBeInstanceOf(Error);
      const name = thrown instanceof WrongPasswordError ? "WrongPasswordError" : "DamagedVaultFileError";
      expect((thrown as Error).name).toBe(name);
    }
  });
});

describe("says that it is newer: ", () => {
  test.each(ofOutcome("newer"))("%s", async (_, vector) => {
    await expect(open(vector, vector.password)).rejects.toMatchObject({ name: "NewerVaultFormatError" });
  });
});

test("there are many of each", () => {
  expect(ofOutcome("opens").length).toBeGreaterThan(10);
  expect(ofOutcome("refused").length).toBeGreaterThan(200);
});
