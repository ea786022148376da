import { link, readFile, readdir, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { withTemporaryDirectory } from "../testing/temporary-vault.js";
import { placeDurableCopy } from "./durable-copy.js";

const BYTES = Buffer.from("sealed bytes");
const fine = () => Promise.resolve();

describe("a durable copy", () => {
  test("is 0600, and leaves nothing beside it", () =>
    withTemporaryDirectory(async (directory) => {
      const path = join(directory, "copy");
      const seen: Buffer[] = [];
      const verify = (bytes: Buffer): Promise<unknown> => Promise.resolve(seen.push(bytes));
      await placeDurableCopy({ path, bytes: BYTES, overwrite: false, verify });
      expect(await readFile(path)).toEqual(BYTES);
      expect(seen).toEqual([BYTES]);
      expect((await stat(path)).mode & 0o777).toBe(0o600);
      expect(await readdir(directory)).toEqual(["copy"]);
    }));

  test.each([true, false])("that does not verify leaves no file (overwrite: %s)", (overwrite) =>
    withTemporaryDirectory(async (directory) => {
      const path = join(directory, "copy");
      if (overwrite) await writeFile(path, "the earlier one");
      const verify = (): Promise<never> => Promise.reject(new Error("not whole"));
      await expect(placeDurableCopy({ path, bytes: BYTES, overwrite, verify })).rejects.toThrow("not whole");
      expect(await readdir(directory)).toEqual(overwrite ? ["copy"] : []);
      if (overwrite) expect(await readFile(path, "utf8")).toBe("the earlier one");
    }),
  );

  test.each([Buffer.from("sealed byteS"), Buffer.from("sealed"), undefined])(
    "of which the disk gives back %j leaves no file",
    (back) =>
      withTemporaryDirectory(async (directory) => {
        const copy = { path: join(directory, "copy"), bytes: BYTES, overwrite: false, verify: fine };
        await expect(placeDurableCopy(copy, () => Promise.resolve(back))).rejects.toThrow("other bytes");
        expect(await readdir(directory)).toEqual([]);
      }),
  );

  test("never takes a name that somebody else took meanwhile", () =>
    withTemporaryDirectory(async (directory) => {
      const path = join(directory, "copy");
      const verify = (): Promise<void> => writeFile(path, "the other one");
      await expect(placeDurableCopy({ path, bytes: BYTES, overwrite: false, verify })).rejects.toMatchObject({
        code: "EEXIST",
      });
      expect(await readFile(path, "utf8")).toBe("the other one");
      expect(await readdir(directory)).toEqual(["copy"]);
    }));

  test("replaces one name of a file, and not what has another name too", () =>
    withTemporaryDirectory(async (directory) => {
      await writeFile(join(directory, "other"), "linked");
      await link(join(directory, "other"), join(directory, "copy"));
      const path = join(directory, "copy");
      await placeDurableCopy({ path, bytes: BYTES, overwrite: true, verify: fine });
      expect(await readFile(join(directory, "other"), "utf8")).toBe("linked");
    }));
});
