import { availableParallelism } from "node:os";
import { fileURLToPath } from "node:url";
import { defineConfig } from "vitest/config";
import { LongestFirstSequencer } from "./test/longest-first-sequencer.js";

export default defineConfig({
  resolve: {
    alias: {
      "@vault-proxy/client": fileURLToPath(new URL("packages/client/src/index.ts", import.meta.url)),
      "@vault-proxy/server/policies": fileURLToPath(
        new URL("packages/server/src/policies.ts", import.meta.url),
      ),
      "@vault-proxy/server/service-rules": fileURLToPath(
        new URL("packages/server/src/service-rules.ts", import.meta.url),
      ),
      "@vault-proxy/server/vault-file": fileURLToPath(
        new URL("packages/server/src/vault-file.ts", import.meta.url),
      ),
    },
  },
  test: {
    // Against what hangs; how fast something must be is said by the tests of that.
    testTimeout: 60_000,
    hookTimeout: 60_000,
    dangerouslyIgnoreUnhandledErrors: false,
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
          // Few of these wait.
          maxWorkers: availableParallelism(),
          sequence: { groupOrder: 1 },
        },
      },
      {
        extends: true,
        test: {
          name: "programs",
          include: ["test/**/*.test.ts"],
          setupFiles: ["test/audit-secrets/interception.ts"],
          // More than half of their time these wait, for processes, timers and disks. No more than two above the processors:
          // some say how long something may take.
          maxWorkers: availableParallelism() + 2,
          sequence: { groupOrder: 0 },
        },
      },
    ],
  },
});
