/** What the lock file and the manifests must be for an install to be the same everywhere. */

// 1.2.3 with an optional pre-release or build part, and pnpm's own "(peer@1.2.3)" suffixes; of a package under another name
// than its own, that before it.
const EXACT_VERSION = /^(?:(?:@[\w.-]+\/)?[\w.-]+@)?\d+\.\d+\.\d+(?:[-+][0-9A-Za-z.-]+)*(?:\(.*\))?$/;
const ALLOWED_SPECIFIER =
  /^(?:workspace:\*|(?:npm:(?:@[\w.-]+\/)?[\w.-]+@)?\d+\.\d+\.\d+(?:[-+][0-9A-Za-z.-]+)*)$/;
// A tarball, a git address or a registry: something that not every machine reaches.
const ADDRESS = /\b(?:https?|git|ssh|git\+ssh|git\+https):\/\/|\btarball:|\bregistry:/;

/**
 * Checks the text of a `pnpm-lock.yaml`.
 *
 * @param {string} text
 * @returns {string[]} One sentence for each thing that is wrong.
 */
export function lockFileProblems(text) {
  const problems = [];
  let section = "";
  let entry = "";
  for (const [index, line] of text.split("\n").entries()) {
    const at = `line ${String(index + 1)}`;
    if (/^\S/.test(line)) section = line.replace(/:.*/, "");
    if (ADDRESS.test(line)) problems.push(`${at} names an address: ${line.trim()}`);

    if (section === "importers") {
      const [, key, value = ""] = /^ {8}(specifier|version): (.+)$/.exec(line) ?? [];
      const text = value.replace(/^'(.*)'$/, "$1");
      if (key === "specifier" && !ALLOWED_SPECIFIER.test(text)) {
        problems.push(`${at} is no exact version: ${text}`);
      }
      if (key === "version" && !EXACT_VERSION.test(text) && !text.startsWith("link:")) {
        problems.push(`${at} is locked to no exact version: ${text}`);
      }
    }
    if (section === "packages") {
      if (/^ {2}\S.*:$/.test(line)) entry = line.trim().slice(0, -1);
      if (/^ {4}resolution:/.test(line) && !/integrity: sha512-/.test(line)) {
        problems.push(`${at}: ${entry} has no sha512 integrity`);
      }
    }
  }
  if (!text.startsWith("lockfileVersion:")) problems.push("it is no pnpm lock file");
  return problems;
}
