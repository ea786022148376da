import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { Secret } from "../redaction/secret.js";
import { encodeFileStart, encodeSegment, parseVaultFile, type ParsedVaultFile } from "./format.js";
import { encodeHeader } from "./header.js";
import { openVaultFile, type OpenedVault } from "./opened-vault.js";
import {
  CHEAP_TOOLS,
  PASSWORD,
  withTemporaryDirectory,
  withUnlockedVault,
} from "./testing/temporary-vault.js";
import { DamagedVaultFileError, NewerVaultFormatError, WrongPasswordError } from "./vault-file-error.js";

const tools = CHEAP_TOOLS;

const open = (bytes: Buffer, password = PASSWORD): Promise<OpenedVault> =>
  openVaultFile(bytes, password, tools);

/** A small vault with two stored files, and the generation before it. */
async function twoGenerations(): Promise<{ older: Buffer; newer: Buffer }> {
  return withTemporaryDirectory((directory) =>
    withUnlockedVault(directory, async (vault) => {
      await vault.collection("services").change((records) => records.set("api", { token: new Secret("t") }));
      await vault.files.put("one", "text/plain", Buffer.from("first file"));
      await vault.files.put("two", "text/plain", Buffer.from("other file"));
      const older = await readFile(join(directory, "vault.enc"));
      await vault.files.put("two", "text/plain", Buffer.from("other data"));
      return { older, newer: await readFile(join(directory, "vault.enc")) };
    }),
  );
}

function assemble(parsed: ParsedVaultFile, segments: readonly { readonly bytes: Buffer }[]): Buffer {
  return Buffer.concat([encodeFileStart(parsed.headerBytes), ...segments.map(({ bytes }) => bytes)]);
}

async function refusalOf(bytes: Buffer): Promise<unknown> {
  return open(bytes).then(
    () => "opened",
    (error: unknown) => error,
  );
}

const isRefusal = (error: unknown) =>
  error instanceof DamagedVaultFileError || error instanceof WrongPasswordError;

describe("opening a vault file", () => {
  test("gives what was saved", async () => {
    const { newer } = await twoGenerations();
    const { content, header } = await open(newer);
    expect(header.generation).toBe(5);
    expect([...content.collections.services.keys()]).toEqual(["api"]);
    expect([...content.files.keys()]).toEqual(["one", "two"]);
  });

  test("is refused with a wrong password", async () => {
    const { newer } = await twoGenerations();
    await expect(open(newer, new Secret("incorrect horse"))).rejects.toThrow(WrongPasswordError);
  });

  test("is refused after a flip of any byte", async () => {
    const { newer } = await twoGenerations();
    const formatDigit = newer.indexOf('"format":1') + '"format":'.length;
    for (let offset = 0; offset < newer.length; offset += 1) {
      for (const mask of [0x01, 0x80]) {
        const bytes = Buffer.from(newer);
        bytes[offset]! ^= mask;
        const error = await refusalOf(bytes);
        if (!isRefusal(error) && !(offset === formatDigit && error instanceof NewerVaultFormatError)) {
          expect.fail(`byte ${offset} with mask ${mask}: ${String(error)}`);
        }
      }
    }
  });

  test("is refused after any truncation, and with bytes added", async () => {
    const { newer } = await twoGenerations();
    for (let length = 0; length < newer.length; length += 1) {
      const error = await refusalOf(newer.subarray(0, length));
      if (!isRefusal(error)) expect.fail(`length ${length}: ${String(error)}`);
    }
    expect(isRefusal(await refusalOf(Buffer.concat([newer, Buffer.of(0)])))).toBe(true);
  });

  test("is refused with segments swapped, doubled, left out, or of an older generation", async () => {
    const { older, newer } = await twoGenerations();
    const now = parseVaultFile(newer);
    const before = parseVaultFile(older);
    const [one, two] = [now.files[0]!, now.files[1]!];
    const oldTwo = before.files[1]!;
    expect(oldTwo.ciphertext.length).toBe(two.ciphertext.length);
    // The parts as they are, to show that it is the change that is refused.
    await open(assemble(now, [now.state, one, two, now.trailer]));
    const forgeries: [string, Buffer][] = [
      ["swapped", assemble(now, [now.state, two, one, now.trailer])],
      ["doubled", assemble(now, [now.state, one, two, two, now.trailer])],
      ["doubled in place of another", assemble(now, [now.state, one, one, now.trailer])],
      ["left out", assemble(now, [now.state, one, now.trailer])],
      ["older file", assemble(now, [now.state, one, oldTwo, now.trailer])],
      ["older state", assemble(now, [before.state, one, two, now.trailer])],
      ["older trailer", assemble(now, [now.state, one, two, before.trailer])],
      ["older state and file", assemble(now, [before.state, one, oldTwo, now.trailer])],
      ["older header", assemble(before, [now.state, one, two, now.trailer])],
      ["older segments under a newer header", assemble(now, [before.state, one, oldTwo, before.trailer])],
    ];
    for (const [what, bytes] of forgeries) {
      if (!((await refusalOf(bytes)) instanceof DamagedVaultFileError))
        expect.fail(`${what} was not refused`);
    }
  });

  test("is refused with an edited header whose key slot is left as it was", async () => {
    const { newer } = await twoGenerations();
    const parsed = parseVaultFile(newer);
    for (const edit of [{ generation: 9 }, { createdAt: "2020-01-01T00:00:00.000Z" }]) {
      const headerBytes = encodeHeader({ ...parsed.header, ...edit });
      const bytes = assemble({ ...parsed, headerBytes }, [parsed.state, ...parsed.files, parsed.trailer]);
      expect(await refusalOf(bytes)).toMatchObject({ reason: "header was changed" });
    }
  });

  test("is refused with a segment that another key sealed", async () => {
    const { newer } = await twoGenerations();
    const { newer: foreign } = await twoGenerations();
    const parsed = parseVaultFile(newer);
    const other = parseVaultFile(foreign);
    const bytes = assemble(parsed, [parsed.state, other.files[0]!, parsed.files[1]!, parsed.trailer]);
    expect(await refusalOf(bytes)).toBeInstanceOf(DamagedVaultFileError);
    const renamed = encodeSegment({ ...other.files[0]!, id: parsed.files[0]!.id });
    const spliced = assemble(parsed, [parsed.state, { bytes: renamed }, parsed.files[1]!, parsed.trailer]);
    expect(await refusalOf(spliced)).toBeInstanceOf(DamagedVaultFileError);
  });

  test("is refused without any derivation when the file asks for more than the bounds", async () => {
    const { newer } = await twoGenerations();
    const parsed = parseVaultFile(newer);
    let derivations = 0;
    const counting = {
      ...tools,
      derive: () => {
        derivations += 1;
        return Promise.reject(new Error("not to be called"));
      },
    };
    for (const cost of [
      { memoryKib: 4_000_000_000, passes: 1, lanes: 1 },
      { memoryKib: 8, passes: 4_000_000_000, lanes: 1 },
      { memoryKib: 1_000_000, passes: 1, lanes: 17 },
    ]) {
      const passwordSlot = { ...parsed.header.passwordSlot, cost };
      const bytes = Buffer.concat([encodeFileStart(encodeHeader({ ...parsed.header, passwordSlot })), newer]);
      await expect(openVaultFile(bytes, PASSWORD, counting)).rejects.toThrow(DamagedVaultFileError);
    }
    expect(derivations).toBe(0);
  });

  test("of a derivation that the host cannot run is refused like any damage", async () => {
    const { newer } = await twoGenerations();
    const noMemory = { ...tools, derive: () => Promise.reject(new Error("Memory allocation error")) };
    await expect(openVaultFile(newer, PASSWORD, noMemory)).rejects.toThrow(DamagedVaultFileError);
  });

  test("raises the cost of a slot that was written lower than today's", async () => {
    const { newer } = await twoGenerations();
    const cost = { memoryKib: 64, passes: 2, lanes: 1 };
    const raised = await openVaultFile(newer, PASSWORD, { ...tools, cost });
    expect(raised.header.passwordSlot.cost).toEqual(cost);
    const kept = await open(newer);
    expect(kept.header.passwordSlot).toEqual(parseVaultFile(newer).header.passwordSlot);
  });
});
