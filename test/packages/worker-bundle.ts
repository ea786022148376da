import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { createContext, runInContext } from "node:vm";
import { rolldown } from "rolldown";

/** What workers have besides the language: nothing of Node. */
const WORKER_GLOBALS = {
  ...{ AbortController, AbortSignal, Blob, FormData, Headers, ReadableStream, Request, Response },
  ...{ TextDecoder, TextEncoder, URL, URLSearchParams, clearTimeout, fetch, setTimeout, Uint8Array },
};

/** Bundles a module, minified, as for a worker. `imports` are those that are left. */
export async function bundleForWorkers(
  source: string,
  folder: string,
): Promise<{ code: string; imports: string[] }> {
  const input = join(folder, "worker-entry.mjs");
  await writeFile(input, source);
  const bundle = await rolldown({
    input,
    platform: "browser",
    resolve: { conditionNames: ["workerd", "worker", "browser", "import"] },
  });
  try {
    const { output } = await bundle.generate({ format: "iife", name: "bundled", minify: true });
    const [chunk] = output;
    return { code: chunk.code, imports: [...chunk.imports, ...chunk.dynamicImports] };
  } finally {
    await bundle.close();
  }
}

/** What the bundle exports, in a world of its own. */
export function evaluateInWorker(code: string): unknown {
  return runInContext(`${code};bundled`, createContext({ ...WORKER_GLOBALS }));
}
