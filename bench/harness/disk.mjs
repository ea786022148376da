import { open, rm } from "node:fs/promises";

/**
 * What writing so many bytes to a new file and having them on the disk takes here: what a save cannot do without.
 *
 * @param {string} path
 * @param {number} bytes
 * @returns {Promise<{ ms: number, processorMs: number }>}
 */
export async function writeAndSync(path, bytes) {
  const content = Buffer.alloc(bytes, 7);
  const file = await open(path, "w");
  try {
    const spent = process.cpuUsage();
    const began = performance.now();
    await file.write(content);
    await file.sync();
    const ms = performance.now() - began;
    const { user, system } = process.cpuUsage(spent);
    return { ms, processorMs: (user + system) / 1000 };
  } finally {
    await file.close();
    await rm(path);
  }
}
