import { readdir, readFile, stat } from "node:fs/promises";
import { basename, join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { cli, startServer, temporaryDirectory } from "./processes.js";

/**
 * Agents call vault-cli as a tool. What its start takes is, beside Node's own, what it loads: so that is what is bounded
 * here, by what a run on two processors showed to stay below 2.5 times an empty Node process. How long it took says more
 * about the machine's other work.
 */
const BOUNDS = [
  { args: ["--version"], files: 3, kilobytes: 160 },
  { args: ["health"], files: 9, kilobytes: 240 },
];

/** Each takes milliseconds to load, and neither of these commands needs any. */
const HEAVY = /^node:(?:child_process|crypto|http2|readline|tls|worker_threads|zlib)$|undici/;

test("what vault-cli loads for a version, and to ask a running server for its health, is little", async () => {
  const directory = await temporaryDirectory();
  const server = await startServer({ dataDir: join(directory.path, "data") });
  try {
    for (const [index, { args, files, kilobytes }] of BOUNDS.entries()) {
      const coverage = join(directory.path, `loaded-${index}`);
      // Node writes there which scripts it has loaded.
      const env = { HOME: directory.path, VAULT_ADDR: server.address, NODE_V8_COVERAGE: coverage };
      expect((await cli(args, { env })).code).toBe(0);
      const loaded = await loadedScripts(coverage);
      const own = loaded.filter((url) => url.startsWith("file:"));
      expect(own.map((url) => basename(url))).toContain("main.js");
      expect(own.length, own.join("\n")).toBeLessThanOrEqual(files);
      const sizes = await Promise.all(own.map(async (url) => (await stat(fileURLToPath(url))).size));
      expect(sizes.reduce((sum, size) => sum + size, 0) / 1000).toBeLessThanOrEqual(kilobytes);
      expect(loaded.filter((url) => HEAVY.test(url))).toEqual([]);
    }
  } finally {
    await server.stop();
    await directory.remove();
  }
});

async function loadedScripts(coverage: string): Promise<string[]> {
  const urls: string[] = [];
  for (const file of await readdir(coverage)) {
    const { result } = JSON.parse(await readFile(join(coverage, file), "utf8")) as {
      result: { url: string }[];
    };
    urls.push(...result.map(({ url }) => url));
  }
  return urls;
}
