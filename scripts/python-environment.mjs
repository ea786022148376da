/** The Python SDK's virtual environment: made with `python3 -m venv`, kept until `pyproject.toml` changes. */
import { existsSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import path from "node:path";
import { ROOT, run, ScriptError } from "./run-process.mjs";
import { digestOf, readIfThere, say } from "./workspace.mjs";

export const PYTHON_SDK = path.join(ROOT, "packages/python-sdk");
const VENV = path.join(PYTHON_SDK, ".venv");
const STAMP = path.join(VENV, ".install-stamp");
const OLDEST_PYTHON = [3, 10];

/** @param {string} name The path of a command in the environment. */
export function pythonCommand(name) {
  return path.join(VENV, "bin", name);
}

/**
 * @param {string} name As it is imported.
 * @returns {string} The folder of a package that is installed in the environment.
 * @throws {ScriptError} When it is not.
 */
export function pythonPackage(name) {
  const lib = path.join(VENV, "lib");
  const folder = (existsSync(lib) ? readdirSync(lib) : [])
    .map((python) => path.join(lib, python, "site-packages", name))
    .find((candidate) => existsSync(candidate));
  if (folder === undefined) {
    throw new ScriptError(
      `The Python environment has no ${name}: run npm run check once, which prepares it.`,
    );
  }
  return folder;
}

/** Makes the environment with the SDK (editable) and its pinned tools in it. Throws `ScriptError` when it cannot. */
export async function ensurePythonEnvironment() {
  const found = await run("python3", ["-c", "import sys; print('%d.%d.%d' % sys.version_info[:3])"]);
  if (!found.ok) throw new ScriptError("Python 3.10 or later is needed for the Python SDK: install python3.");
  const version = found.output.trim();
  const [major = 0, minor = 0] = version.split(".").map(Number);
  if (major !== OLDEST_PYTHON[0] || minor < (OLDEST_PYTHON[1] ?? 0)) {
    throw new ScriptError(`Python 3.10 or later is needed for the Python SDK; python3 is ${version}.`);
  }

  const digest = `${version} ${digestOf([path.join(PYTHON_SDK, "pyproject.toml")])}`;
  if (readIfThere(STAMP) === digest && existsSync(pythonCommand("python"))) return;

  say("Preparing the Python environment …");
  rmSync(VENV, { recursive: true, force: true });
  await mustRun("python3", ["-m", "venv", VENV]);
  // What is imported is compiled then; compiling all that lies there takes a third of the time.
  const quickly = ["--quiet", "--no-compile", "--disable-pip-version-check"];
  await mustRun(pythonCommand("python"), ["-m", "pip", "install", ...quickly, "-e", `${PYTHON_SDK}[dev]`]);
  writeFileSync(STAMP, digest);
}

/**
 * @param {string} command
 * @param {string[]} args
 */
async function mustRun(command, args) {
  const finished = await run(command, args);
  if (!finished.ok) {
    throw new ScriptError(`${finished.output}\nPreparing the Python environment failed: ${finished.reason}.`);
  }
}
