import { existsSync, mkdirSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { temporaryDirectory } from "../live/processes.js";
import { bundleWriter } from "./bundled-writer.js";
import { contentsAfter, type Contents } from "./numbered-changes.mjs";
import { requireSurroundings } from "./surroundings.js";
import { byForm } from "./torture.js";
import { FAULTS, pointsOf, runTraced, type Fault, type Point, type Step } from "./traced-writer.js";
import { contentsOf } from "./vault-contents.js";
import { NEW_PASSWORD, OLD_PASSWORD } from "./writer-constants.mjs";

/** Two processors' worth: each run is a strace and its writer, which take turns. */
const AT_ONCE = 3;
const SCENARIO_MS = byForm(120_000, 1_200_000);
/** Not part of a save: clearing up, and the count of wrong passwords, which holds in memory as well. */
const MAY_FAIL_UNNOTICED: ReadonlySet<string> = new Set(["open", "close", "wrong"]);

/** After a save that has succeeded, to know the file again before the next one; before a save it is noticed. */
const LOOK_AT_THE_RESULT = "statx vault.enc";

interface Scenario {
  readonly title: string;
  readonly steps: readonly Step[];
  /** The steps whose every call is spoilt; "open" is the start, before the first step. */
  readonly spoilt: readonly string[];
  readonly faults: readonly Fault[];
}

const EVERY_FAULT = FAULTS;
const SHORT: readonly Scenario[] = [
  { title: "a save", steps: ["unlock", 1, 2, 3, 4], spoilt: ["3"], faults: EVERY_FAULT },
  {
    title: "a password change",
    steps: ["unlock", 1, 2, "password", 3],
    spoilt: ["password"],
    faults: ["EIO", "SIGKILL"],
  },
  { title: "start and end", steps: ["unlock", 1], spoilt: ["open", "close"], faults: ["EIO"] },
];
const LONG: readonly Scenario[] = [
  {
    title: "saves",
    steps: ["unlock", 1, 2, 3, 4, 5, 6],
    spoilt: ["1", "2", "3", "4", "5"],
    faults: EVERY_FAULT,
  },
  {
    title: "a password change",
    steps: ["unlock", 1, 2, "password", 3],
    spoilt: ["password", "3"],
    faults: EVERY_FAULT,
  },
  { title: "making the vault", steps: ["unlock", "unlock", 1, 2], spoilt: ["unlock"], faults: EVERY_FAULT },
  { title: "start and end", steps: ["unlock", 1], spoilt: ["open", "close"], faults: EVERY_FAULT },
  {
    title: "counting wrong passwords",
    steps: ["unlock", 1, "wrong", "wrong", "wrong", 2],
    spoilt: ["wrong"],
    faults: EVERY_FAULT,
  },
];

let directory: Awaited<ReturnType<typeof temporaryDirectory>>;
let writer: string;
beforeAll(async () => {
  directory = await temporaryDirectory();
  writer = join(directory.path, "writer.mjs");
  await bundleWriter(writer);
  requireSurroundings(["strace"]);
});
afterAll(() => directory.remove());

describe("with every system call spoilt in turn, the vault holds what was acknowledged and opens:", () => {
  test.each(byForm(SHORT, LONG))("$title", { timeout: SCENARIO_MS }, async (scenario) => {
    const { title, steps, spoilt, faults } = scenario;
    const folder = join(directory.path, title.replaceAll(" ", "-"));
    mkdirSync(folder);
    const undisturbed = join(folder, "undisturbed");
    mkdirSync(undisturbed);
    const points = (await pointsOf(writer, undisturbed, steps)).filter(({ step }) => spoilt.includes(step));
    const runs = points.flatMap((point) => faults.map((fault) => ({ point, fault })));
    const counts = new Map<string, number>();
    let number = 0;
    const failures: Error[] = [];
    const work = async (): Promise<void> => {
      for (let run = runs.shift(); run !== undefined && failures.length === 0; run = runs.shift()) {
        const { point, fault } = run;
        const own = join(folder, String((number += 1)));
        mkdirSync(own);
        try {
          await spoil(own, steps, point, fault);
          counts.set(fault, (counts.get(fault) ?? 0) + 1);
        } catch (error) {
          const trace = readFileSync(join(own, "trace"), "utf8").split("\n").slice(-30).join("\n");
          const where = `${fault} at ${point.signature} (call ${point.index}) of ${title}`;
          failures.push(new Error(`${where}:\n${trace}`, { cause: error }));
        }
        rmSync(own, { recursive: true });
      }
    };
    const total = runs.length;
    await Promise.all(Array.from({ length: AT_ONCE }, work));
    if (failures[0] !== undefined) throw failures[0];
    const kinds = new Map<string, number>();
    for (const { syscall } of points) kinds.set(syscall, (kinds.get(syscall) ?? 0) + 1);
    const shown = (map: Map<string, number>): string =>
      [...map].map(([name, count]) => `${name} ${count}`).join(", ");
    console.log(
      `${title}: ${points.length} points (${shown(kinds)}), all hit: ${total} runs (${shown(counts)})`,
    );
    expect(points.length).toBeGreaterThan(3);
    expect([...counts.values()].reduce((sum, count) => sum + count, 0)).toBe(total);
  });
});

async function spoil(own: string, steps: readonly Step[], point: Point, fault: Fault): Promise<void> {
  const run = await runTraced(writer, own, steps, { point, fault });
  // The proof that it was this very call.
  const hit = run.calls[point.index];
  expect(hit?.signature).toBe(point.signature);
  expect(run.wasKilled).toBe(fault === "SIGKILL");
  const injected = run.calls.filter(({ isInjected }) => isInjected);
  if (fault === "SIGKILL") {
    expect(run.calls).toHaveLength(point.index + 1);
    expect(hit?.hasReturned).toBe(false);
  } else expect(injected).toEqual([hit]);

  const outcome = outcomeOf(run.said, steps);
  if (fault === "SIGKILL") await expectOneOf(own, outcome);
  else await expectGoneOn(own, outcome, point, fault);
}

interface Outcome {
  /** The steps that were acknowledged, in order; the process' own start and end left out. */
  readonly done: readonly Step[];
  readonly failed: readonly { readonly step: string; readonly code: string; readonly message: string }[];
  /** The step that nothing was said of, because the process died. */
  readonly interrupted: Step | "open" | "close" | undefined;
}

function outcomeOf(said: readonly string[], steps: readonly Step[]): Outcome {
  const all = ["open" as const, ...steps, "close" as const];
  const done: Step[] = [];
  const failed: Outcome["failed"][number][] = [];
  said.forEach((line, index) => {
    const [, how, name = "", code = "", message = ""] =
      /^(done|failed) (\S+)(?: (\S+) (.*))?$/.exec(line) ?? [];
    expect(name, line).toBe(String(all[index]));
    const step = all[index];
    if (how === "failed") failed.push({ step: name, code, message });
    else if (step !== undefined && step !== "open" && step !== "close") done.push(step);
  });
  return { done, failed, interrupted: all[said.length] };
}

const changesIn = (steps: readonly Step[]): number[] => steps.filter((step) => typeof step === "number");

/** What the vault holds after these steps. */
function expected(steps: readonly Step[]): Contents | "none" {
  return steps.includes("unlock") ? contentsAfter(changesIn(steps)) : "none";
}

const passwordsAfter = (steps: readonly Step[]): [string, string] =>
  steps.includes("password") ? [NEW_PASSWORD, OLD_PASSWORD] : [OLD_PASSWORD, NEW_PASSWORD];

async function expectContents(dataDir: string, steps: readonly Step[]): Promise<void> {
  const [right, wrong] = passwordsAfter(steps);
  const wanted = expected(steps);
  expect(await contentsOf(dataDir, right)).toEqual(wanted);
  if (wanted !== "none") expect(await contentsOf(dataDir, wrong)).toBe("refused");
}

/** After a kill: the state before the interrupted step or after it. */
async function expectOneOf(own: string, { done, failed, interrupted }: Outcome): Promise<void> {
  expect(failed).toEqual([]);
  const dataDir = join(own, "data");
  const isStep = interrupted !== undefined && interrupted !== "open" && interrupted !== "close";
  const sides = [done, ...(isStep ? [[...done, interrupted]] : [])];
  const found: unknown[] = [];
  for (const side of sides) {
    const [right] = passwordsAfter(side);
    const contents = await contentsOf(dataDir, right);
    if (JSON.stringify(contents) === JSON.stringify(expected(side))) {
      await expectContents(dataDir, side);
      if (interrupted === "wrong") expectFailuresCounted(dataDir, done, [0, 1]);
      return;
    }
    found.push(contents);
  }
  expect(found, "neither the state before nor the one after").toEqual(sides.map(expected));
}

/** After an error: the caller was told, nothing had changed, and what came later was saved. */
async function expectGoneOn(
  own: string,
  { done, failed, interrupted }: Outcome,
  point: Point,
  fault: Fault,
): Promise<void> {
  const dataDir = join(own, "data");
  const [failure, ...more] = failed;
  expect(more).toEqual([]);
  if (failure?.step === "open") {
    // It did not start, and the next one does.
    if (point.signature.includes("vault.lock")) expect(failure.code).toMatch(/^storage_(failed|full)$/);
    await expectContents(dataDir, []);
    return;
  }
  expect(interrupted).toBeUndefined();
  if (failure === undefined) {
    const mayPass =
      fault === "EINTR" || MAY_FAIL_UNNOTICED.has(point.step) || point.signature === LOOK_AT_THE_RESULT;
    expect(mayPass, `${fault} at ${point.signature} went unnoticed`).toBe(true);
  } else {
    expect(failure.code).toMatch(/^storage_(failed|full)$/);
    if (fault === "ENOSPC" && point.signature.startsWith("write ")) expect(failure.code).toBe("storage_full");
    if (failure.message.startsWith("the password was changed")) {
      await expectContents(dataDir, ["unlock", 1, 2, "password", 3]);
      return;
    }
    const before = done.slice(0, Math.max(0, stepsBefore(failure.step, done)));
    await expectContents(`${dataDir}.after-failure`, before);
  }
  await expectContents(dataDir, done);
  if (done.includes("wrong")) expectFailuresCounted(dataDir, done, point.step === "wrong" ? [0, -1] : [0]);
}

/** How many of the acknowledged steps came before the one that failed. */
function stepsBefore(failedStep: string, done: readonly Step[]): number {
  if (failedStep === "unlock") return 0;
  if (failedStep === "password") return done.indexOf(3);
  if (failedStep === "close") return done.length;
  const index = done.findIndex((step) => typeof step === "number" && step > Number(failedStep));
  return index === -1 ? done.length : index;
}

function expectFailuresCounted(dataDir: string, done: readonly Step[], more: readonly number[]): void {
  const file = join(dataDir, "lockout.json");
  const json = existsSync(file) ? readFileSync(file, "utf8") : '{"callers":[]}';
  const { callers } = JSON.parse(json) as { callers: { caller: string; failures: number }[] };
  const counted = callers.find(({ caller }) => caller === "guesser")?.failures ?? 0;
  const wrong = done.filter((step) => step === "wrong").length;
  expect(more.map((extra) => wrong + extra)).toContain(counted);
}
