import { defineConfig } from "vitest/config";

/** `npm run test:machine`. */
export default defineConfig({
  test: { include: ["test/machine/*.machine.ts"], testTimeout: 60_000, hookTimeout: 120_000 },
});
