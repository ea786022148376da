import { execFile } from "node:child_process";
import { availableParallelism, loadavg, totalmem } from "node:os";
import { promisify } from "node:util";

/**
 * @typedef {{ cores: number, memoryGb: number, load: number, date: string, versions: Readonly<Record<string, string>> }} Machine
 *   `load` is the average of the minute before the run.
 *
 * @returns {Promise<Machine>}
 */
export async function describeMachine() {
  return {
    cores: availableParallelism(),
    memoryGb: Math.round(totalmem() / 1024 ** 3),
    load: Math.round((loadavg()[0] ?? 0) * 10) / 10,
    date: new Date().toISOString().slice(0, 10),
    versions: {
      node: process.versions.node,
      nginx: await versionOf("nginx", ["-v"]),
      wrk: await versionOf("wrk", ["-v"]),
      PostgreSQL: await versionOf("psql", ["--version"]),
      Redis: await versionOf("redis-server", ["--version"]),
    },
  };
}

/**
 * @param {string} command
 * @param {string[]} args
 */
async function versionOf(command, args) {
  const env = { ...process.env, PATH: `${process.env["PATH"] ?? ""}:/usr/sbin:/sbin` };
  // wrk ends with an error where it is asked for its version only.
  const { stdout, stderr } = await promisify(execFile)(command, args, { env }).catch((error) => error);
  return /\d+\.\d+(\.\d+)?/.exec(`${stdout ?? ""}${stderr ?? ""}`)?.[0] ?? "none";
}
