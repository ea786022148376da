import { chmod, mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { readStartPassword } from "./start-up-files.js";

let directory: string;
let file: string;
let warnings: string[];
const log = { warn: (_fields: object, message: string) => void warnings.push(message) };

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), "vault-proxy-"));
  file = join(directory, "vault-password");
  warnings = [];
});

afterEach(() => rm(directory, { recursive: true, force: true }));

const fromFile = { passwordFile: true };
const fromCredential = { passwordFile: false };

async function readFrom({ passwordFile }: typeof fromFile): Promise<string | undefined> {
  const found = await readStartPassword(
    {
      passwordFile: passwordFile ? file : undefined,
      passwordCredential: passwordFile ? undefined : file,
    },
    log,
  );
  return found?.password.reveal();
}

describe.each([
  ["--password-file", fromFile],
  ["systemd credential", fromCredential],
])("the password of a %s", (title, source) => {
  test.each([
    ["correct horse", "correct horse"],
    ["correct horse\n", "correct horse"],
    ["correct horse\r\n", "correct horse"],
    ["correct horse\nsecond line\n", "correct horse"],
    [" spaces stay \n", " spaces stay "],
  ])("of %j is %j", async (text, password) => {
    await writeFile(file, text, { mode: 0o600 });
    expect(await readFrom(source)).toBe(password);
    expect(warnings).toEqual([]);
  });

  test.each(["", "\n", "\r\n", "\nsecond line\n"])("is refused for %j", async (text) => {
    await writeFile(file, text, { mode: 0o600 });
    await expect(readFrom(source)).rejects.toMatchObject({
      code: "invalid_request",
      message: `${title}: the first line of ${file} is empty`,
    });
  });

  test("is refused if it cannot be read, with the reason", async () => {
    await mkdir(file);
    await expect(readFrom(source)).rejects.toMatchObject({
      code: "invalid_request",
      message: `${title}: cannot read ${file} (EISDIR)`,
    });
  });

  test("that others may read is used, with a warning", async () => {
    await writeFile(file, "correct horse\n");
    await chmod(file, 0o604);
    expect(await readFrom(source)).toBe("correct horse");
    expect(warnings).toEqual(["other users may read the password file"]);
  });
});

test("a password file that is not UTF-8 is refused: its bytes would collapse into one", async () => {
  await writeFile(file, Buffer.from("p\u00e4ssw\u00f6rd-1", "latin1"));
  await expect(readFrom(fromFile)).rejects.toMatchObject({
    code: "invalid_request",
    message: `--password-file: ${file} is not UTF-8 text`,
  });
});

test("a password file that its group may read is warned of", async () => {
  await writeFile(file, "correct horse\n");
  await chmod(file, 0o640);
  expect(await readFrom(fromFile)).toBe("correct horse");
  expect(warnings).toHaveLength(1);
});

test("the group's bits of a credential are the mask of its access list, and no reason to warn", async () => {
  await writeFile(file, "correct horse\n");
  await chmod(file, 0o440);
  expect(await readFrom(fromCredential)).toBe("correct horse");
  expect(warnings).toEqual([]);
});

test("a password file that is not there is an error, a credential that is not there is none", async () => {
  await expect(readFrom(fromFile)).rejects.toMatchObject({
    message: `--password-file: cannot read ${file} (ENOENT)`,
  });
  expect(await readFrom(fromCredential)).toBeUndefined();
});

test("the start without either has no password", async () => {
  expect(
    await readStartPassword({ passwordFile: undefined, passwordCredential: undefined }, log),
  ).toBeUndefined();
});
