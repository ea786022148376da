/** Vaults with much in them, filled without a server: one save instead of thousands. */
import { randomBytes } from "node:crypto";
import { PASSWORD, secretOf, serviceAt, startLocked } from "./vault-server.mjs";

const LIB = new URL("../../packages/server/lib/", import.meta.url);

/**
 * Makes a vault with the service `api-0`, and as many copies of it and of its proxy token as are wanted.
 *
 * @param {import("./processes.mjs").Processes} processes
 * @param {string} dataDir
 * @param {{ origin: string, services?: number, tokens?: number, files?: readonly Buffer[] }} content
 * @returns {Promise<string>} A token for proxied calls.
 */
export async function makeFilledVault(processes, dataDir, { origin, services = 1, tokens = 0, files = [] }) {
  const server = await startLocked(processes, dataDir);
  await server.unlock();
  await server.call("POST", "/services", serviceAt("api-0", origin));
  const token = await server.makeToken();
  await server.stop();

  const { openVault } = await import(new URL("vault/vault.js", LIB).href);
  const { Secret } = await import(new URL("redaction/secret.js", LIB).href);
  const vault = await openVault({ dataDir, log: { info: () => undefined, warn: () => undefined } });
  try {
    await vault.unlock(new Secret(PASSWORD), "bench");
    await copyRecords(vault.collection("services"), services, (record, index) => {
      const name = `api-${String(index)}`;
      return [name, { ...record, name, auth: { type: "bearer", token: new Secret(secretOf(name)) } }];
    });
    await copyRecords(vault.collection("tokens"), tokens, (record) => {
      const digest = randomBytes(32).toString("hex");
      return [digest, { ...record, digest }];
    });
    for (const [index, bytes] of files.entries())
      await vault.files.put(`file-${String(index)}`, "application/octet-stream", bytes);
  } finally {
    await vault.close();
  }
  return token;
}

/**
 * @param {{ change: (mutate: (records: Map<string, object>) => void) => Promise<void> }} collection
 * @param {number} count
 * @param {(record: object, index: number) => [string, object]} copy
 */
function copyRecords(collection, count, copy) {
  return collection.change((records) => {
    const last = [...records.values()].at(-1);
    if (last === undefined) throw new Error("nothing to copy");
    for (let index = records.size; index < count; index += 1) records.set(...copy(last, index));
  });
}
