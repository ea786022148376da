import { readFileSync } from "node:fs";
import { afterAll, beforeAll, expect, test } from "vitest";
import { pageOf } from "../../scripts/api-reference.mjs";
import { startServer, temporaryDirectory, type RunningServer } from "../live/processes.js";

let directory: Awaited<ReturnType<typeof temporaryDirectory>>;
let server: RunningServer;
beforeAll(async () => {
  directory = await temporaryDirectory();
  server = await startServer({ dataDir: directory.path });
});
afterAll(async () => {
  await server.stop();
  await directory.remove();
});

test("docs/api.md is what the server's own document says (else: node scripts/api-reference.mjs)", async () => {
  expect(readFileSync(new URL("../../docs/api.md", import.meta.url), "utf8")).toBe(
    await pageOf(server.address),
  );
});
