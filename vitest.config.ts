import { fileURLToPath } from "node:url";
import { defineConfig } from "vitest/config";

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
    include: ["packages/*/src/**/*.test.ts", "test/**/*.test.ts"],
    testTimeout: 30_000,
    hookTimeout: 60_000,
    dangerouslyIgnoreUnhandledErrors: false,
  },
});
