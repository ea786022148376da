import { availableParallelism } from "node:os";
import { fileURLToPath } from "node:url";
import { defineConfig } from "vitest/config";
import { LongestFirstSequencer } from "./test/longest-first-sequencer.js";

export default defineConfig({
  resolve: {
    alias: {
      "@vault-proxy/client": fileURLToPath(new URL("packages/client/src/index.ts", import.meta.url)),
      "@vault-proxy/server/vault-file": fileURLToPath(
        new URL("packages/server/src/vault-file.ts", import.meta.url),
      ),
    },
  },
  test: {
    testTimeout: 30_000,
    hookTimeout: 60_000,
    dangerouslyIgnoreUnhandledErrors: false,
    // Many tests wait for a timer or for another process: one more than there are processors keeps these busy.
    maxWorkers: availableParallelism() + 1,
    sequence: { sequencer: LongestFirstSequencer },
    projects: [
      {
        extends: true,
        test: {
          name: "sources",
          include: ["packages/*/src/**/*.test.ts"],
          // Modules have no state of their own: loading them once for all files halves what these tests take.
          isolate: false,
          unstubEnvs: true,
          restoreMocks: true,
        },
      },
      { extends: true, test: { name: "programs", include: ["test/**/*.test.ts"] } },
    ],
  },
});
