/** `npm test`: installs, builds, and runs every check and test, TypeScript and Python; the last line sums them up. */
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { runChecks } from "./checks.mjs";
import { ensurePythonEnvironment, PYTHON_SDK, pythonCommand } from "./python-environment.mjs";
import { ROOT, run, runScript, ScriptError } from "./run-process.mjs";
import { ensureSystemPackages } from "./system-packages.mjs";
import { countPytest, countVitest } from "./test-results.mjs";
import { ensureBuilt, readJson } from "./workspace.mjs";

// A run that hangs is ended, and counts as failed, well before a CI would give up on it.
const VITEST_TIMEOUT_MS = 2_400_000;
const PYTEST_TIMEOUT_MS = 600_000;

// Those of the SDK, and of the independent reader of the vault file.
const PYTEST = ["-m", "pytest", "-q", "-c", "pyproject.toml", "tests", path.join(ROOT, "test/vectors")];

/** @typedef {import("./test-results.mjs").TestCounts} TestCounts */

await runScript(async () => {
  let passed = 0;
  let failed = 0;
  const reports = mkdtempSync(path.join(tmpdir(), "vault-proxy-test-"));
  /** @param {string} reason */
  const fail = (reason) => {
    failed += 1;
    process.stdout.write(`FAILED  ${reason}\n`);
  };
  /**
   * @param {string} title
   * @param {() => Promise<void>} task
   */
  const step = async (title, task) => {
    process.stdout.write(`\n== ${title}\n`);
    try {
      await task();
    } catch (error) {
      fail(error instanceof ScriptError ? error.message : String(error));
    }
  };
  /**
   * @param {string} name
   * @param {TestCounts | undefined} counts Undefined when the runner left no report.
   * @param {import("./run-process.mjs").Finished} finished
   */
  const add = (name, counts, finished) => {
    passed += counts?.passed ?? 0;
    failed += counts?.failed ?? 0;
    for (const test of counts?.notRun ?? []) fail(`${name} did not run: ${test}`);
    // Unhandled errors, a crash or a time-out: no test failed, and yet the run did.
    if (!finished.ok && (counts?.failed ?? 0) === 0) fail(`${name}: ${finished.reason}`);
    else if ((counts?.passed ?? 0) + (counts?.failed ?? 0) === 0) fail(`${name} ran no test`);
  };

  // Debian's packages and Python's want nothing of npm's; the TypeScript tests read known answers that come with Python's.
  const python = ensureSystemPackages().then(ensurePythonEnvironment);
  const built = ensureBuilt();
  let isBuilt = false;
  // Tests wait for timers and for each other's processes; the checks, and pytest, take the time that this leaves.
  let checksSaid = "";
  const checks = built
    .catch(() => undefined)
    .then(() =>
      runChecks({
        inBackground: true,
        print: (text) => (checksSaid += text),
        preparePython: () => python,
      }),
    );
  // Told in its own step below.
  checks.catch(() => undefined);
  await step("prepare", async () => {
    // To their ends, whatever becomes of the other.
    const outcomes = await Promise.allSettled([built, python]);
    isBuilt = outcomes[0].status === "fulfilled";
    for (const outcome of outcomes) if (outcome.status === "rejected") throw outcome.reason;
  });
  const pytestReport = path.join(reports, "pytest.xml");
  const pytest = run(pythonCommand("python"), [...PYTEST, `--junitxml=${pytestReport}`], {
    cwd: PYTHON_SDK,
    timeoutMs: PYTEST_TIMEOUT_MS,
  });
  await step("vitest", async () => {
    if (!isBuilt) throw new ScriptError("vitest needs a build");
    const report = path.join(reports, "vitest.json");
    const finished = await run(
      path.join(ROOT, "node_modules/.bin/vitest"),
      ["run", "--reporter=default", "--reporter=json", `--outputFile.json=${report}`],
      { show: true, timeoutMs: VITEST_TIMEOUT_MS },
    );
    add("vitest", existsSync(report) ? countVitest(readJson(report)) : undefined, finished);
  });
  await step("checks", async () => {
    const failedChecks = await checks;
    process.stdout.write(checksSaid);
    failed += failedChecks;
  });
  await step("pytest", async () => {
    const finished = await pytest;
    process.stdout.write(finished.output);
    add(
      "pytest",
      existsSync(pytestReport) ? countPytest(readFileSync(pytestReport, "utf8")) : undefined,
      finished,
    );
  });

  rmSync(reports, { recursive: true, force: true });
  process.stdout.write(`\n${String(passed)} passed, ${String(failed)} failed\n`);
  return failed === 0 ? 0 : 1;
});
