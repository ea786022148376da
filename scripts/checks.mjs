/** The checks of `npm run check`: format, lint, types, import rules and the lock file, TypeScript and Python. */
import { readdirSync, readFileSync } from "node:fs";
import path from "node:path";
import { lockFileProblems } from "./lock-file-rules.mjs";
import { ensurePythonEnvironment, PYTHON_SDK, pythonCommand } from "./python-environment.mjs";
import { ROOT, run, ScriptError } from "./run-process.mjs";
import { ensureBuilt } from "./workspace.mjs";

/**
 * @typedef {{ ok: boolean, output: string, reason: string }} Outcome
 * @typedef {{ name: string, check: () => Promise<Outcome> }} Check
 */

// The machine has two cores in CI, and the type-aware checks are bound by the processor.
const AT_ONCE = 2;
const CHECK_TIMEOUT_MS = 300_000;
const BACKGROUND_TIMEOUT_MS = 1_800_000;
const VECTORS = path.join(ROOT, "test/vectors");

/**
 * Runs every check, whatever the others say, and prints a line for each and the output of those that failed.
 *
 * @param {object} [options]
 * @param {boolean} [options.inBackground] Give way to others where the processors have no time left.
 * @param {(text: string) => void} [options.print] Standard output by default.
 * @param {() => Promise<void>} [options.preparePython] Waited for where Python's tools are needed first.
 * @returns {Promise<number>} How many failed.
 */
export async function runChecks({
  inBackground = false,
  print = (text) => void process.stdout.write(text),
  preparePython = ensurePythonEnvironment,
} = {}) {
  const build = { name: "build", check: () => outcomeOf(ensureBuilt) };
  const timeoutMs = inBackground ? BACKGROUND_TIMEOUT_MS : CHECK_TIMEOUT_MS;
  const waiting = allChecks({ inBackground, timeoutMs }, preparePython);
  const width = Math.max(...waiting.map(({ name }) => name.length));
  let failed = 0;
  /** @param {Check[]} queue */
  const work = async (queue) => {
    for (let next = queue.shift(); next !== undefined; next = queue.shift()) {
      const started = performance.now();
      const outcome = await next.check();
      const seconds = ((performance.now() - started) / 1000).toFixed(1);
      print(`${outcome.ok ? "ok    " : "FAILED"}  ${next.name.padEnd(width)}  ${seconds.padStart(6)} s\n`);
      if (outcome.ok) continue;
      failed += 1;
      print(`${`${outcome.output.trimEnd()}\n${outcome.reason}`.trim().replace(/^/gm, "        ")}\n`);
    }
  };
  // The import rules follow imports into what was built of another package.
  await work([build]);
  await Promise.all(Array.from({ length: AT_ONCE }, () => work(waiting)));
  return failed;
}

/**
 * @param {import("./run-process.mjs").RunOptions} options
 * @param {() => Promise<void>} preparePython
 * @returns {Check[]} The slowest first.
 */
function allChecks(options, preparePython) {
  /**
   * @param {string} command
   * @param {string[]} args
   */
  const npmTool = (command, args) => run(path.join(ROOT, "node_modules/.bin", command), args, options);
  return [
    // All packages at once; that each holds by itself, without its tests, is for the build to say.
    {
      name: "types and lint (tsc, oxlint)",
      check: () => run(process.execPath, [path.join(ROOT, "scripts/types-and-lint.mjs")], options),
    },
    {
      name: "import rules (dependency-cruiser)",
      check: () =>
        npmTool("depcruise", [
          "--config",
          ".dependency-cruiser.cjs",
          "packages/server/src",
          "packages/cli/src",
          "packages/client/src",
        ]),
    },
    {
      name: "format (oxfmt, prettier)",
      check: () => run(process.execPath, [path.join(ROOT, "scripts/format-check.mjs")], options),
    },
    { name: "lock file", check: lockFileCheck },
    { name: "python (ruff, mypy), Dockerfile (hadolint)", check: () => pythonCheck(options, preparePython) },
  ];
}

/** @returns {Promise<Outcome>} */
async function lockFileCheck() {
  const problems = lockFileProblems(readFileSync(path.join(ROOT, "pnpm-lock.yaml"), "utf8"));
  return { ok: problems.length === 0, output: problems.join("\n"), reason: "" };
}

/**
 * @param {import("./run-process.mjs").RunOptions} options
 * @param {() => Promise<void>} preparePython
 * @returns {Promise<Outcome>}
 */
async function pythonCheck(options, preparePython) {
  const prepared = await outcomeOf(preparePython);
  if (!prepared.ok) return prepared;
  /** @type {[string, string[]][]} */
  const commands = [
    ["ruff", ["format", "--check", ".", VECTORS]],
    ["ruff", ["check", ".", VECTORS]],
    ["mypy", []],
    [
      "mypy",
      readdirSync(VECTORS)
        .filter((name) => name.endsWith(".py"))
        .map((name) => path.join(VECTORS, name)),
    ],
    ["hadolint", [path.join(ROOT, "docker/Dockerfile")]],
  ];
  /** @type {Outcome[]} */
  const outcomes = [];
  for (const [command, args] of commands) {
    outcomes.push(await run(pythonCommand(command), args, { ...options, cwd: PYTHON_SDK }));
  }
  const failed = outcomes.filter(({ ok }) => !ok);
  return {
    ok: failed.length === 0,
    output: failed.map(({ output }) => output).join("\n"),
    reason: failed.map(({ reason }) => reason).join("\n"),
  };
}

/**
 * @param {() => Promise<void>} task
 * @returns {Promise<Outcome>} A `ScriptError` of the task is a failed check; anything else is a bug and is thrown.
 */
async function outcomeOf(task) {
  try {
    await task();
    return { ok: true, output: "", reason: "" };
  } catch (error) {
    if (!(error instanceof ScriptError)) throw error;
    return { ok: false, output: "", reason: error.message };
  }
}
