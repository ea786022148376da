/** Reading what vitest and pytest say about a run: counts, and what did not run. */

/**
 * @typedef {object} TestCounts
 * @property {number} passed
 * @property {number} failed
 * @property {string[]} notRun The tests that were skipped or left as a plan, by name.
 */

/**
 * Reads vitest's JSON report. A file that could not be loaded counts as one failure.
 *
 * @param {any} report
 * @returns {TestCounts}
 */
export function countVitest(report) {
  /** @type {TestCounts} */
  const counts = { passed: 0, failed: 0, notRun: [] };
  for (const file of report.testResults) {
    let failedHere = 0;
    for (const test of file.assertionResults) {
      if (test.status === "passed") counts.passed += 1;
      else if (test.status === "failed") failedHere += 1;
      else counts.notRun.push(test.fullName);
    }
    counts.failed += failedHere === 0 && file.status === "failed" ? 1 : failedHere;
  }
  return counts;
}

/**
 * Reads pytest's JUnit report.
 *
 * @param {string} xml
 * @returns {TestCounts}
 */
export function countPytest(xml) {
  /** @param {string} name */
  const sum = (name) => {
    const attributes = [...xml.matchAll(/<testsuite\b[^>]*>/g)].map(([suite]) => suite);
    return attributes.reduce(
      (total, suite) => total + Number(new RegExp(`\\b${name}="(\\d+)"`).exec(suite)?.[1] ?? 0),
      0,
    );
  };
  const failed = sum("failures") + sum("errors");
  const skipped = sum("skipped");
  const notRun = [...xml.matchAll(/<testcase\b[^>]*\bname="([^"]*)"[^>]*><skipped/g)].map(
    ([, name = ""]) => name,
  );
  return { passed: sum("tests") - failed - skipped, failed, notRun };
}
