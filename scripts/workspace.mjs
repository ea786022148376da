/** What every root script needs first, on a fresh clone with only Node and npm: dependencies and a build. */
import { createHash } from "node:crypto";
import { chmodSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import path from "node:path";
import { ROOT, run, ScriptError } from "./run-process.mjs";

/**
 * In the order of their building: the CLI imports the others. The client is published as modules; of a program the
 * compiled modules are in `lib/`, and in `dist/` the few files that they, and their libraries, are bundled into.
 *
 * @type {{ folder: string, modules: string, bundled: string[] }[]}
 */
const PACKAGES = [
  { folder: packageFolder("client"), modules: "dist", bundled: [] },
  {
    folder: packageFolder("server"),
    modules: "lib",
    bundled: ["main", "worker", "vault-file", "policies", "service-rules"],
  },
  { folder: packageFolder("cli"), modules: "lib", bundled: ["main"] },
];
/** What can be run after a build. */
export const SERVER_MAIN = path.join(ROOT, "packages/server/dist/main.js");
export const CLI_MAIN = path.join(ROOT, "packages/cli/dist/main.js");

const INSTALL_STAMP = path.join(ROOT, "node_modules/.install-stamp");
const TSC = path.join(ROOT, "node_modules/typescript-native/bin/tsc");

/** Installs the dependencies that the lock file names, unless they are there already. */
export async function ensureInstalled() {
  checkNodeVersion();
  const digest = digestOf([
    path.join(ROOT, "pnpm-lock.yaml"),
    path.join(ROOT, "pnpm-workspace.yaml"),
    path.join(ROOT, "package.json"),
    ...PACKAGES.map(({ folder }) => path.join(folder, "package.json")),
  ]);
  if (readIfThere(INSTALL_STAMP) === digest && existsSync(TSC)) return;

  const { packageManager } = readJson(path.join(ROOT, "package.json"));
  say(`Installing dependencies with ${packageManager} …`);
  const installed = await run(
    "npx",
    // npx runs the pinned version already; pnpm's own switching would want its pin in the lock file.
    ["-y", packageManager, "install", "--frozen-lockfile", "--pm-on-fail=ignore"],
    // pnpm asks before it replaces a node_modules of another version, unless CI is set.
    { env: { CI: "true" } },
  );
  if (!installed.ok) throw new ScriptError(`${installed.output}\nInstalling failed: ${installed.reason}.`);
  writeFileSync(INSTALL_STAMP, digest);
}

/** Installs, and builds client, server and CLI into their `dist/` unless their sources are the ones built last. */
export async function ensureBuilt() {
  await ensureInstalled();
  const inputs = PACKAGES.flatMap(({ folder }) => [
    path.join(folder, "package.json"),
    path.join(folder, "tsconfig.build.json"),
    ...filesUnder(path.join(folder, "src")),
  ]);
  inputs.push(path.join(ROOT, "tsconfig.base.json"), path.join(ROOT, "pnpm-lock.yaml"));
  inputs.push(path.join(ROOT, "scripts/workspace.mjs"), path.join(ROOT, "scripts/bundle.mjs"));
  const digest = digestOf(inputs);
  const stamps = PACKAGES.map(({ folder, modules }) => path.join(folder, modules, ".build-stamp"));
  if (stamps.every((stamp) => readIfThere(stamp) === digest) && PACKAGES.every(isComplete)) return;

  say("Building …");
  // Not there before the dependencies are.
  const { bundle } = await import("./bundle.mjs");
  for (const each of PACKAGES) {
    await build(each);
    if (each.bundled.length > 0) await bundle(each.folder, each.bundled);
  }
  for (const main of [SERVER_MAIN, CLI_MAIN]) chmodSync(main, 0o755);
  for (const stamp of stamps) writeFileSync(stamp, digest);
}

/** @param {string} name */
function packageFolder(name) {
  return path.join(ROOT, "packages", name);
}

/** @typedef {(typeof PACKAGES)[number]} Package */

/** @param {Package} built */
async function build(built) {
  const { folder } = built;
  const dist = path.join(folder, built.modules);
  rmSync(path.join(dist, ".build-stamp"), { force: true });
  // tsc writes only what changed since its last run, so it would not bring a deleted file back.
  if (!areModulesThere(built)) rmSync(dist, { recursive: true, force: true });
  mkdirSync(dist, { recursive: true });
  const compiled = await run(process.execPath, [
    TSC,
    "-p",
    path.join(folder, "tsconfig.build.json"),
    "--pretty",
  ]);
  if (!compiled.ok) {
    // A failed build must not be taken for a finished one by the next, incremental run.
    rmSync(path.join(dist, ".tsbuildinfo"), { force: true });
    throw new ScriptError(
      `${compiled.output}\nBuilding ${path.relative(ROOT, folder)} failed: ${compiled.reason}.`,
    );
  }
  const wanted = new Set(modulesOf(built));
  for (const file of filesUnder(dist)) {
    const isOutput = /\.(js|d\.ts)(\.map)?$/.test(file);
    if (isOutput && !wanted.has(file.replace(/\.map$/, ""))) rmSync(file);
  }
}

/** @param {Package} built */
function isComplete(built) {
  const files = built.bundled.map((name) => path.join(built.folder, "dist", `${name}.js`));
  return areModulesThere(built) && files.every((file) => existsSync(file));
}

/** @param {Package} built Whether each source of the package is compiled. */
function areModulesThere(built) {
  return modulesOf(built).every((file) => existsSync(file));
}

/** @param {Package} built The `.js` and `.d.ts` files that the compiler makes. */
function modulesOf({ folder, modules }) {
  const sources = path.join(folder, "src");
  return filesUnder(sources)
    .filter(
      (file) =>
        /\.ts$/.test(file) &&
        !/\.(test|d)\.ts$/.test(file) &&
        !file.includes(`${path.sep}testing${path.sep}`),
    )
    .map((file) => path.join(folder, modules, path.relative(sources, file).replace(/\.ts$/, "")))
    .flatMap((stem) => [`${stem}.js`, `${stem}.d.ts`]);
}

/** @param {string} folder Every file below it, sorted; none when it does not exist. */
function filesUnder(folder) {
  if (!existsSync(folder)) return [];
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => path.join(entry.parentPath, entry.name))
    .sort();
}

/** @param {string[]} files A digest of their names and contents. */
export function digestOf(files) {
  const hash = createHash("sha256");
  for (const file of files) {
    const content = readFileSync(file);
    hash.update(`${path.relative(ROOT, file)}\0${String(content.length)}\0`).update(content);
  }
  return hash.digest("hex");
}

/** @param {string} file Its text, or an empty one when it is not there. */
export function readIfThere(file) {
  return existsSync(file) ? readFileSync(file, "utf8") : "";
}

/**
 * @param {string} file
 * @returns {any} What the JSON file holds.
 */
export function readJson(file) {
  return JSON.parse(readFileSync(file, "utf8"));
}

/** @param {string} text Told to the person; never on standard output, which belongs to the command itself. */
export function say(text) {
  process.stderr.write(`${text}\n`);
}

function checkNodeVersion() {
  const { engines } = readJson(path.join(ROOT, "package.json"));
  const wanted = /** @type {string} */ (engines.node).replace(/^>=/, "").split(".").map(Number);
  const running = process.versions.node.split(".").map(Number);
  const older = (running[0] ?? 0) - (wanted[0] ?? 0) || (running[1] ?? 0) - (wanted[1] ?? 0);
  if (older < 0) throw new ScriptError(`Node ${engines.node} is needed; this is ${process.versions.node}.`);
}
