import { readFile } from "node:fs/promises";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { call } from "../live/vault-calls.js";
import { CASES } from "./all-cases.js";
import { renderDifferences, rowsBelow } from "./difference-table.js";
import { DIFFERENCES } from "./differences/all.js";
import { startHaproxy, startNginx, startVault, type Intermediary } from "./intermediaries.js";
import { runCase } from "./run-case.js";
import { startSlowCallers, type SlowCallers } from "./slow-callers.js";

/** A head may take 30 s, and is looked after every 5 s; the rest is for a busy machine. */
const MAX_HEAD_MS = 45_000;
/** A body for the vault itself may take 20 s. */
const MAX_BODY_MS = 30_000;
const MAX_HEALTH_MS = 10_000;

let intermediaries: { vault: Intermediary; nginx: Intermediary; haproxy: Intermediary };
/** They take half a minute: the table runs meanwhile. */
let slow: SlowCallers;

beforeAll(async () => {
  const [vault, nginx, haproxy, slowCallers] = await Promise.all([
    startVault(),
    startNginx(),
    startHaproxy(),
    startSlowCallers(),
  ]);
  intermediaries = { vault, nginx, haproxy };
  slow = slowCallers;
});

afterAll(() => Promise.all([...Object.values(intermediaries), slow].map((each) => each.stop())));

describe.each(CASES)("%s", (_topic, cases) => {
  afterEach(async () => {
    expect((await call(`http://127.0.0.1:${intermediaries.vault.port}`, "GET", "/health")).status).toBe(200);
  });

  test.each(cases.map((each) => [each.name, each] as const))("%s", async (name, played) => {
    const { vault, nginx, haproxy } = intermediaries;
    const outcome = async (by: Intermediary) => played.look(await runCase(by, played));
    const [byVault, byNginx, byHaproxy] = await Promise.all([
      outcome(vault),
      outcome(nginx),
      outcome(haproxy),
    ]);
    const difference = DIFFERENCES[name];
    expect({ vault: byVault, nginx: byNginx, haproxy: byHaproxy }).toEqual({
      vault: played.vault,
      nginx: difference?.nginx ?? played.vault,
      haproxy: difference?.haproxy ?? played.vault,
    });
  });
});

describe("the table of differences", () => {
  const cases = CASES.flatMap(([, ofTopic]) => ofTopic);

  test("names cases that there are, each of them once", () => {
    const names = cases.map(({ name }) => name);
    expect(new Set(names).size).toBe(names.length);
    expect(Object.keys(DIFFERENCES).filter((name) => !names.includes(name))).toEqual([]);
  });

  test("stands in docs/http.md, with every reason", async () => {
    const page = await readFile(new URL("../../docs/http.md", import.meta.url), "utf8");
    expect(rowsBelow(page, "## Compared with nginx and haproxy")).toEqual(
      renderDifferences(cases, DIFFERENCES),
    );
  });
});

describe("time-outs", { timeout: 60_000 }, () => {
  test("200 half-sent requests are all closed in time", async () => {
    expect(await slow.halfSent).toBeLessThan(MAX_HEAD_MS);
  });

  test("200 requests to the vault itself that send half a body are all closed in time", async () => {
    expect(await slow.halfBodies).toBeLessThan(MAX_BODY_MS);
  });

  test("an admin's upload has more time", async () => {
    expect(await slow.lateUpload).toBe("201");
  });

  test("heads that grow by a field now and then are closed in time", async () => {
    expect(await slow.dribbling).toBeLessThan(MAX_HEAD_MS);
  });

  test.each([
    ["slow heads (-H)", "H"],
    ["slow bodies (-B)", "B"],
    ["many ranges (-R)", "R"],
  ] as const)("%s leave no connection open", async (_mode, mode) => {
    const report = await slow.attacks[mode];
    expect(report).toContain("No open connections left");
    expect(report).toMatch(/service available:\s+YES/);
  });

  test("slow readers (-X) are given up: their calls do not stay open at the upstream", async () => {
    expect(await slow.attacks.X).toMatch(/service available:\s+YES/);
    expect(slow.openUpstream()).toBe(0);
  });

  test("nobody else waits for them", () => {
    expect(slow.slowestHealth()).toBeLessThan(MAX_HEALTH_MS);
  });
});
