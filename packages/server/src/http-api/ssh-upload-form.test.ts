import { describe, expect, test } from "vitest";
import { SSH_LIMITS } from "../ssh/ssh-limits.js";
import type { FormPart } from "./form-parts.js";
import { withUploadForm, type HoldInMemory } from "./ssh-upload-form.js";

async function* chunksOf(chunks: readonly (string | Buffer)[]): AsyncGenerator<Buffer> {
  for (const chunk of chunks) yield await Promise.resolve(Buffer.from(chunk));
}

type SentPart = readonly [name: string, isFile: boolean, ...chunks: (string | Buffer)[]];

async function* partsOf(...parts: readonly SentPart[]): AsyncGenerator<FormPart> {
  for (const [name, isFile, ...chunks] of parts) {
    yield await Promise.resolve({ name, isFile, content: chunksOf(chunks) });
  }
}

const PATH = ["remote_path", false, "/srv/", "f"] as const;
const MODE = ["mode", false, "0600"] as const;
const WHY = ["justification", false, "weekly ", "triage"] as const;
const FILE = ["file", true, "con", "tent"] as const;

/** What an upload would write, and what was held in memory for it. */
async function read(
  parts: AsyncIterable<FormPart>,
): Promise<{ remotePath: string; content: string; mode: number; isHeld: boolean }> {
  let isHeld = false;
  const hold: HoldInMemory = (task) => {
    isHeld = true;
    return task();
  };
  return withUploadForm(parts, { hold, justify: () => undefined }, async ({ remotePath, content, mode }) => {
    const chunks: Buffer[] = [];
    for await (const chunk of content) chunks.push(chunk);
    return { remotePath, content: Buffer.concat(chunks).toString(), mode: mode(), isHeld };
  });
}

describe("the form of an upload", () => {
  test.each([
    ["path, mode, file", [PATH, MODE, FILE], 0o600, false],
    ["path, file, mode", [PATH, FILE, MODE], 0o600, false],
    ["path, file", [PATH, FILE], 0o644, false],
    ["file, path, mode", [FILE, PATH, MODE], 0o600, true],
    ["mode, file, path", [MODE, FILE, PATH], 0o600, true],
  ])("is read as %s", async (_, parts, mode, isHeld) => {
    expect(await read(partsOf(...parts))).toEqual({ remotePath: "/srv/f", content: "content", mode, isHeld });
  });

  test.each([
    ["no file", [PATH, MODE], "file: is required"],
    ["no path", [FILE], "remote_path: is required"],
    ["neither", [MODE], "remote_path: is required"],
    ["two paths", [PATH, PATH, FILE], "remote_path: must be given once"],
    ["a second mode after the file", [PATH, MODE, FILE, MODE], "mode: must be given once"],
    ["two files", [PATH, FILE, FILE], "only one file"],
    ["a file that is text", [PATH, ["file", false, "x"]], "file: must be a file"],
    ["a path that is a file", [["remote_path", true, "/srv/f"], FILE], "remote_path: must be text"],
    ["an unknown field", [PATH, ["owner", false, "root"], FILE], "unknown field"],
    ["an unknown field at the end", [PATH, FILE, ["owner", false, "root"]], "unknown field"],
    [
      "a path that is not UTF-8",
      [["remote_path", false, Buffer.from([0x2f, 0xff])], FILE],
      "not valid UTF-8",
    ],
    ["an endless path", [["remote_path", false, "x".repeat(20_000)], FILE], "too long"],
    ["two justifications", [WHY, WHY, PATH, FILE], "justification: must be given once"],
    [
      "a long justification",
      [["justification", false, "é".repeat(501)], PATH, FILE],
      "at most 500 characters",
    ],
    ["no octal mode", [["mode", false, "0888"], PATH, FILE], "mode: must be octal"],
    ["a late mode that is none", [PATH, FILE, ["mode", false, "rw"]], "mode: must be octal"],
  ] as readonly (readonly [string, readonly SentPart[], string])[])(
    "is refused with %s",
    async (_, parts, said) => {
      const reading = read(partsOf(...parts));
      await expect(reading).rejects.toMatchObject({ code: "invalid_request" });
      await expect(reading).rejects.toThrow(said);
    },
  );

  test.each([
    ["before the file", [PATH, WHY, FILE]],
    ["after it", [PATH, FILE, WHY]],
    ["before the path", [WHY, FILE, PATH]],
  ] as readonly (readonly [string, readonly SentPart[]])[])("may say %s what it is for", async (_, parts) => {
    const said: string[] = [];
    const hold: HoldInMemory = (task) => task();
    await withUploadForm(partsOf(...parts), { hold, justify: (text) => said.push(text) }, async (upload) => {
      for await (const chunk of upload.content) expect(chunk.length).toBeGreaterThan(0);
    });
    expect(said).toEqual(["weekly triage"]);
  });

  test("is refused with a file that is too large, wherever that stands", async () => {
    const large = ["file", true, Buffer.alloc(SSH_LIMITS.fileBytes), "x"] as const;
    await expect(read(partsOf(PATH, large))).rejects.toMatchObject({ code: "body_too_large" });
    await expect(read(partsOf(large, PATH))).rejects.toMatchObject({ code: "body_too_large" });
  });
});
