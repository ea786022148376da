/**
 * `node audit-writer.mjs DIRECTORY FILE_BYTES` writes an audit log as fast as it may, its vault unlocked, and says on
 * standard output the number of the last line that is on the disk, after every flush.
 */
import { randomBytes } from "node:crypto";
import { writeSync } from "node:fs";
import { createEntryMaker } from "../../packages/server/lib/audit/audit-entry.js";
import { deriveAuditKey } from "../../packages/server/lib/audit/audit-key.js";
import { openAuditLog } from "../../packages/server/lib/audit/audit-log.js";
import { Secret } from "../../packages/server/lib/redaction/secret.js";

const STDOUT = 1;
const FLUSH_EVERY = 200;
const [directory, fileBytes] = process.argv.slice(2);
const silent = { info: () => undefined, warn: () => undefined };
const limits = { fileBytes: Number(fileBytes), batchMs: 5 };
const log = await openAuditLog({ directory, log: silent, clock: Date.now, randomBytes, limits });
const make = createEntryMaker((text) => text);

log.record(make("server.start", { decision: "allow" }));
log.useKey(deriveAuditKey(new Secret(Buffer.alloc(32, "k").toString("base64url"))));
for (let number = 1; ; number += 1) {
  const facts = { service: "api", method: "GET", path: `/items/${number}`, decision: "allow", status: 200 };
  await log.record(make("proxy", { ...facts, justification: "x".repeat(number % 400) }));
  if (number % FLUSH_EVERY === 0) writeSync(STDOUT, `${(await log.flush()).sequence}\n`);
}
