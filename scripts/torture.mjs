/**
 * `npm run torture`: the long form of every test that has one, half an hour or more; the last line sums them up.
 * `npm run torture -- kill power-cut` runs those whose path holds one of the words.
 */
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { ROOT, run, runScript, ScriptError } from "./run-process.mjs";
import { ensureSystemPackages } from "./system-packages.mjs";
import { countVitest } from "./test-results.mjs";
import { ensureBuilt, readJson } from "./workspace.mjs";

const TIMEOUT_MS = 3 * 3_600_000;
/** What a test imports that has a long form. */
const LONG_FORM = /from "\.[./\w-]*\/torture\.js"/;

await runScript(async () => {
  const files = testsWithLongForm(process.argv.slice(2).filter((word) => word !== "--"));
  if (files.length === 0) throw new ScriptError("No test with a long form has such a path.");
  await ensureBuilt();
  await ensureSystemPackages();

  const reports = mkdtempSync(path.join(tmpdir(), "vault-proxy-torture-"));
  const report = path.join(reports, "vitest.json");
  const began = Date.now();
  try {
    const finished = await run(
      path.join(ROOT, "node_modules/.bin/vitest"),
      // One file after the other: each of them keeps all processors busy by itself.
      [
        ...["run", "--no-file-parallelism", "--reporter=verbose", "--reporter=json"],
        ...[`--outputFile.json=${report}`, ...files],
      ],
      { env: { VAULT_TORTURE: "1" }, show: true, timeoutMs: TIMEOUT_MS },
    );
    const counts = existsSync(report) ? countVitest(readJson(report)) : undefined;
    for (const test of counts?.notRun ?? []) process.stdout.write(`FAILED  did not run: ${test}\n`);
    if (!finished.ok) process.stdout.write(`FAILED  ${finished.reason}\n`);
    const passed = counts?.passed ?? 0;
    const failed = (counts?.failed ?? 0) + (counts?.notRun.length ?? 0);
    const minutes = ((Date.now() - began) / 60_000).toFixed(1);
    process.stdout.write(
      `\n${String(passed)} passed, ${String(failed)} failed, ${String(files.length)} files, ${minutes} min\n`,
    );
    return finished.ok && failed === 0 && passed > 0 ? 0 : 1;
  } finally {
    rmSync(reports, { recursive: true, force: true });
  }
});

/** @param {string[]} words Paths must hold one of them; none asks for all. */
function testsWithLongForm(words) {
  return readdirSync(path.join(ROOT, "test"), { recursive: true, encoding: "utf8" })
    .map((name) => path.join("test", name))
    .filter((name) => name.endsWith(".test.ts"))
    .filter((name) => words.length === 0 || words.some((word) => name.includes(word)))
    .filter((name) => LONG_FORM.test(readFileSync(path.join(ROOT, name), "utf8")))
    .sort();
}
