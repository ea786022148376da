/** What rows share: servers that are started once, when the first row asks for them. */
import { chmodSync, rmSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { makeCertificates } from "./certificates.mjs";
import { startContestants } from "./contestants.mjs";
import { startUpstream } from "./nginx.mjs";
import { createProcesses } from "./processes.mjs";

/**
 * @typedef {Awaited<ReturnType<typeof createBench>>} Bench
 *
 * @param {object} options
 * @param {boolean} options.isQuick
 * @param {readonly import("./peer.mjs").Peer[]} options.peers
 * @param {(text: string) => void} options.say Told what is going on.
 */
export async function createBench({ isQuick, peers, say }) {
  const directory = await mkdtemp(join(tmpdir(), "vault-proxy-bench-"));
  const shared = createProcesses();
  const own = createProcesses();
  const certificates = once(() => makeCertificates(directory));
  const upstream = once(async () => startUpstream(shared, directory, await certificates(), directory));
  const contestants = once(async () => {
    say("starting the contestants");
    const parts = { directory, peers, upstream: await upstream(), certificates: await certificates() };
    return startContestants(shared, parts);
  });
  let count = 0;
  return {
    isQuick,
    say,
    /** The contestants whose code is compiled. */
    warm: /** @type {Set<string>} */ (new Set()),
    /** A new path for each call, which does not exist yet; all are removed at the end. */
    newPath: (/** @type {string} */ name) => join(directory, `${String((count += 1))}-${name}`),
    /** Lets other users pass through the directory of {@link newPath}. */
    letIn: () => chmodSync(directory, 0o711),
    /** `/files/` of the upstream has the paths of {@link newPath}. */
    upstream,
    contestants,
    /** Those of one row, which end with it. */
    processes: own,
    /** Those of all rows. */
    shared,
    endRow: () => own.stopAll(),
    async end() {
      await own.stopAll();
      await shared.stopAll();
      await rm(directory, { recursive: true, force: true });
    },
    /** When there is no time to wait. */
    kill() {
      own.killAll();
      shared.killAll();
      rmSync(directory, { recursive: true, force: true });
    },
  };
}

/**
 * @template T
 * @param {() => Promise<T>} make
 * @returns {() => Promise<T>}
 */
export function once(make) {
  /** @type {Promise<T> | undefined} */
  let made;
  return () => (made ??= make());
}
