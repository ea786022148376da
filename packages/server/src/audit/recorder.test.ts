import { expect, test } from "vitest";
import { VaultProxyError } from "../errors/vault-proxy-error.js";
import { createLineMaker, type UnmadeEntry } from "./entry-members.js";
import type { AuditEntry } from "./audit-entry.js";
import { createAuditRecorder } from "./recorder.js";

const FULL = new VaultProxyError("audit_unavailable", "full");

function world({ record = undefined as Promise<void> | undefined, flushFails = false } = {}) {
  const steps: string[] = [];
  const logged: object[] = [];
  const log = {
    ready: () => undefined,
    record(entry: AuditEntry | UnmadeEntry) {
      steps.push(`record ${entry.action}`);
      return record;
    },
    flush() {
      steps.push("flush");
      return flushFails ? Promise.reject(FULL) : Promise.resolve({ sequence: 1, hash: "" });
    },
  };
  const consoleLog = { error: (fields: object) => void logged.push(fields) };
  const recorder = createAuditRecorder({ log, maker: createLineMaker((text) => text), consoleLog });
  return { recorder, steps, logged, log, consoleLog };
}

test("a change is recorded, and on the disk, before it is answered", async () => {
  const { recorder, steps } = world();
  await recorder.flushed("lock", { decision: "allow" });
  expect(steps).toEqual(["record lock", "flush"]);
});

test("a change that could not be recorded or flushed is not answered with success", async () => {
  const noRoom = Promise.reject(FULL);
  noRoom.catch(() => undefined);
  await expect(world({ record: noRoom }).recorder.flushed("lock", { decision: "allow" })).rejects.toBe(FULL);
  const unflushed = world({ flushFails: true }).recorder;
  await expect(unflushed.flushed("lock", { decision: "allow" })).rejects.toBe(FULL);
  await expect(unflushed.writable()).rejects.toBe(FULL);
});

test("what is recorded without waiting throws nothing, whatever becomes of it", async () => {
  const noRoom = Promise.reject(FULL);
  world({ record: noRoom }).recorder.record("lock", { decision: "allow" });
  const { log, consoleLog, logged } = world();
  const maker = {
    entry: () => {
      throw new Error("defect");
    },
    members: () => "",
  };
  const making = { ...log, record: (entry: AuditEntry | UnmadeEntry) => void (entry as UnmadeEntry).make() };
  createAuditRecorder({ log: making, consoleLog, maker }).record("lock", { decision: "allow" });
  const failing = createAuditRecorder({ log, consoleLog, maker });
  await expect(failing.flushed("lock", { decision: "allow" })).rejects.toMatchObject({ code: "internal" });
  expect(logged).toHaveLength(2);
});

test("where the log is off everything is at once", async () => {
  const { consoleLog } = world();
  const off = createAuditRecorder({
    ...{ log: undefined, consoleLog },
    maker: {
      entry: () => {
        throw new Error("nothing is made");
      },
      members: () => "",
    },
  });
  expect(off.ready()).toBeUndefined();
  off.record("lock", { decision: "allow" });
  await off.flushed("lock", { decision: "allow" });
  await off.writable();
});
