import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { LOCK_FILE, takeLock } from "./lock-file.js";
import { findLockHolder } from "./lock-holder.js";
import { ownIdentity } from "./process-identity.js";

async function temporaryDirectory(): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), "vault-lock-holder-"));
  onTestFinished(() => rm(directory, { recursive: true }));
  return directory;
}

test("the holder of a directory is found while it holds it", async () => {
  const directory = await temporaryDirectory();
  expect(await findLockHolder(directory)).toBeUndefined();
  const lock = await takeLock(directory);
  expect(await findLockHolder(directory)).toEqual({ pid: process.pid, liveness: "alive" });
  await lock.release();
  expect(await findLockHolder(directory)).toBeUndefined();
});

test("a later process with the holder's pid is not taken for it, nor one of another boot", async () => {
  const directory = await temporaryDirectory();
  const { pid, startTime, bootId, pidNamespace } = await ownIdentity();
  if (startTime === null) return;
  const write = (start_time: string, boot_id: string | null) =>
    writeFile(
      join(directory, LOCK_FILE),
      JSON.stringify({ pid, start_time, boot_id, pid_namespace: pidNamespace, nonce: "0".repeat(32) }),
    );
  await write("1", bootId);
  expect(await findLockHolder(directory)).toEqual({ pid, liveness: "dead" });
  await write(startTime, "another boot");
  expect(await findLockHolder(directory)).toEqual({ pid, liveness: "elsewhere" });
});

test("a file that is no lock names nobody", async () => {
  const directory = await temporaryDirectory();
  await writeFile(join(directory, LOCK_FILE), "nonsense");
  expect(await findLockHolder(directory)).toBeUndefined();
});
