import { realpathSync } from "node:fs";
import { fileURLToPath, pathToFileURL } from "node:url";
import { rolldown } from "rolldown";

/** Runs as it is, too. */
export const WRITER = fileURLToPath(new URL("vault-writer.mjs", import.meta.url));
const ARGON2 = new URL("../../packages/server/node_modules/argon2/argon2.cjs", import.meta.url);

/**
 * Writes vault-writer.mjs and all that it imports into one file: it is run hundreds of times, and reading two hundred modules
 * takes most of a run.
 */
export async function bundleWriter(file: string): Promise<void> {
  const bundled = await rolldown({
    input: WRITER,
    platform: "node",
    // It loads what was compiled for this machine from beside itself.
    plugins: [
      {
        name: "argon2-in-its-place",
        resolveId: (id) =>
          id === "argon2" ? { id: pathToFileURL(realpathSync(ARGON2)).href, external: true } : undefined,
      },
    ],
  });
  await bundled.write({ file, format: "esm", codeSplitting: false });
  await bundled.close();
}
