import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { blocksOf, PAGES } from "./pages.js";
import { openSessionWorld, type SessionWorld } from "./session-world.js";

/* Does what the pages say of databases and mail, with the real servers, through the built vault. */

const blocks = PAGES.flatMap(blocksOf).flatMap((block) =>
  block.treatment.kind === "session"
    ? [{ ...block.treatment, block, at: `${block.page}:${String(block.line)}` }]
    : [],
);

describe("blocks that use sessions", () => {
  let world: SessionWorld;

  beforeAll(async () => {
    world = await openSessionWorld();
  });
  afterAll(() => world.close());

  test.each(blocks)("$at", async ({ block, service, says }) => {
    const { code, output } = await world.run(block, service);
    expect(code, output).toBe(0);
    expect(output).toContain(says);
  });
});
