import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

/**
 * A row that a program of `programs/` measures in a process of its own, and tells as JSON: an array of lines.
 *
 * @param {import("./bench.mjs").Bench} bench
 * @param {string} file
 * @param {string} settings
 * @returns {Promise<import("./row.mjs").Measured>}
 */
export async function measureProgram({ isQuick }, file, settings) {
  const path = fileURLToPath(new URL(`../programs/${file}`, import.meta.url));
  const args = ["--expose-gc", path, ...(isQuick ? ["--quick"] : [])];
  const { stdout } = await promisify(execFile)(process.execPath, args);
  return { settings, lines: JSON.parse(stdout), targets: [] };
}
