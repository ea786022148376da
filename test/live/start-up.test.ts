import { readdir, readFile, stat } from "node:fs/promises";
import { basename, join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { cli, startServer, temporaryDirectory } from "./processes.js";
import { addService, unlock } from "./vault-calls.js";

/**
 * Agents call vault-cli as a tool. What its start takes is, beside Node's own, what it loads: so that is what is bounded
 * here, by what a run on two processors showed to stay below 2.5 times an empty Node process. How long it took says more
 * about the machine's other work.
 */
const BOUNDS = [
  { args: ["--version"], files: 3, kilobytes: 160 },
  { args: ["health"], files: 9, kilobytes: 240 },
];

/** Each takes milliseconds to load, and neither of these commands needs any. Node 24 itself loads worker_threads with util. */
const HEAVY = /^node:(?:child_process|crypto|http2|readline|tls|zlib)$|undici/;

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

/** What of a library is in no other text. */
const SELDOM_USED = {
  "YAML, until a policy comes as YAML": /YAMLParseError/,
  "undici's fetch, caches, WebSockets and mocks":
    /class (?:EventSource|WebSocketStream|MockAgent|CacheStorage)\b/,
  "zod in other languages": /Ung\\u00fcltig/,
  "the processes of --workers": /function createServerWorkers/,
};

test("a server that is unlocked and has a service has loaded nothing that is seldom used", async () => {
  const directory = await temporaryDirectory();
  const coverage = join(directory.path, "loaded");
  const server = await startServer({
    dataDir: join(directory.path, "data"),
    // What makes calls with workers is another process.
    env: { NODE_V8_COVERAGE: coverage, VAULT_WORKERS: "1" },
  });
  try {
    const admin = await unlock(server);
    await addService(server, admin, {
      ...{ name: "api", base_url: "http://127.0.0.1:9", allow_private: true },
      auth: { type: "bearer", token: "key-0123456789abcdef" },
    });
    await server.stop();
    const files = (await loadedScripts(coverage)).filter((url) => url.startsWith("file:"));
    expect(files.filter((url) => url.includes("/node_modules/ssh2/"))).toEqual([]);
    const bundled = files.filter((url) => url.includes("/packages/server/dist/"));
    const texts = await Promise.all(bundled.map((url) => readFile(fileURLToPath(url), "utf8")));
    expect(texts.length).toBeGreaterThan(1);
    for (const [what, mark] of Object.entries(SELDOM_USED)) {
      expect(texts.filter((text) => mark.test(text)).length, what).toBe(0);
    }
    // V8 keeps the text of what it runs: two bytes a character of a file with one that is not Latin-1.
    expect(bundled.filter((_url, index) => /[^\0-\x7f]/.test(texts[index] ?? ""))).toEqual([]);
    expect(texts.join("").length / 1000).toBeLessThanOrEqual(2750);
  } finally {
    await server.stop();
    await directory.remove();
  }
}, 30_000);

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
