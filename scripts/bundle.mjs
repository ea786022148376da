/** Makes of a package's modules, and of the libraries they use, the few files that are run and published. */
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import { rolldown } from "rolldown";

const LICENSE_FILE = /^(licen[cs]e|copying|notice)([.-].*)?$/i;
const NOTICES = "THIRD-PARTY-NOTICES.txt";

/**
 * commander loads what starts other programs, for commands that are programs of their own. There are none, and the loading
 * takes a tenth of a short command's time.
 */
const WITHOUT_PROGRAMS = {
  name: "commander-without-programs",
  transform: {
    filter: { id: /\/commander\/lib\/command\.js$/ },
    /** @param {string} code */
    handler(code) {
      const changed = code.replace(
        "const childProcess = require('node:child_process');",
        "const childProcess = {};",
      );
      if (changed === code) throw new Error("commander does not load node:child_process as it did");
      return changed;
    },
  },
};

/** What zod says in other languages than English: half a megabyte that nobody asks for. */
const IN_ENGLISH = {
  name: "zod-in-english",
  transform: {
    filter: { id: /\/zod\/v4\/locales\/index\.js$/ },
    handler: () => 'export { default as en } from "./en.js";',
  },
};

/** What is used of undici, by the file that makes it. */
const UNDICI = {
  Client: "./lib/dispatcher/client.js",
  Pool: "./lib/dispatcher/pool.js",
  buildConnector: "./lib/core/connect.js",
};

/** Of its dispatchers' methods only this is not their own. */
const UNDICI_REQUEST =
  'require("./lib/dispatcher/dispatcher.js").prototype.request = require("./lib/api/api-request.js");';

/** undici's index loads a `fetch`, WebSockets, caches and mocks as well: half of its text. */
const ONLY_CONNECTIONS = {
  name: "undici-connections",
  transform: {
    filter: { id: /\/undici\/index\.js$/ },
    handler: () =>
      [
        UNDICI_REQUEST,
        ...Object.entries(UNDICI).map(
          ([name, file]) => `module.exports.${name} = require(${JSON.stringify(file)});`,
        ),
      ].join("\n"),
  },
};

const IMPORT_OF_UNDICI = /^import \{([^}]*)\} from "undici";$/gm;

/** A name that the index does not have would only be missed when it is called. */
const KNOWN_OF_UNDICI = {
  name: "undici-known",
  transform: {
    filter: { code: 'from "undici"' },
    /** @param {string} code */
    handler(code) {
      for (const [, names = ""] of code.matchAll(IMPORT_OF_UNDICI))
        for (const name of names.split(",").map((each) => each.trim()))
          if (!Object.hasOwn(UNDICI, name)) throw new Error(`add undici's ${name} to scripts/bundle.mjs`);
      return null;
    },
  },
};

const BEYOND_ASCII = /\\?[^\0-\x7f]/g;

/**
 * The text of what runs stays in memory: one byte a character if the whole file is ASCII, and two if a single one of its
 * characters is not even Latin-1.
 */
const ASCII = {
  name: "ascii",
  /**
   * @param {unknown} _options
   * @param {import("rolldown").OutputBundle} files
   */
  generateBundle(_options, files) {
    for (const file of Object.values(files)) if (file.type === "chunk") file.code = escaped(file.code);
  },
};

/** @param {string} code */
function escaped(code) {
  return code.replace(BEYOND_ASCII, (character) => {
    if (character.startsWith("\\")) throw new Error(`cannot escape ${character} in a bundle`);
    return `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`;
  });
}

/**
 * A process that reads a few files starts in half of the time that one takes which reads a thousand. What the package
 * lists as a dependency stays outside: it has compiled code, or files of its own to find.
 *
 * @param {string} folder The package's.
 * @param {string[]} entries Names of compiled modules in its `lib/`, without `.js`.
 */
export async function bundle(folder, entries) {
  const { dependencies } = JSON.parse(readFileSync(path.join(folder, "package.json"), "utf8"));
  /** @type {import("rolldown").InputOptions} */
  const options = {
    input: Object.fromEntries(entries.map((name) => [name, path.join(folder, "lib", `${name}.js`)])),
    platform: "node",
    plugins: [WITHOUT_PROGRAMS, IN_ENGLISH, ONLY_CONNECTIONS, KNOWN_OF_UNDICI, ASCII],
    external: [/^node:/, ...Object.keys(dependencies).map((name) => new RegExp(`^${name}(/|$)`))],
    // Anything it is not sure of would only be seen when that code runs.
    onLog(level, log) {
      if (level === "warn") throw new Error(`bundling ${path.basename(folder)}: ${log.message}`);
    },
  };
  const loadedAtStart = await modulesOfStart(options);
  const bundled = await rolldown(options);
  const { output } = await bundled.write({
    dir: path.join(folder, "dist"),
    format: "esm",
    cleanDir: true,
    comments: { legal: true, annotation: true, jsdoc: false },
    // Flat, as the compiled modules find the package's folder from their own place.
    chunkFileNames: ({ name }) => `${name.replace(/^\.+/, "")}-[hash].js`,
    codeSplitting: { groups: [{ name: "start", test: (id) => loadedAtStart.has(id) }] },
  });
  await bundled.close();
  const modules = output.flatMap((chunk) => (chunk.type === "chunk" ? chunk.moduleIds : []));
  writeFileSync(path.join(folder, "dist", NOTICES), noticesOf(modules));
}

/**
 * What each start of a program loads, and so is to be one file: each costs a resolution and a read. Its entry is not in
 * it, as that waits for modules which import this file. None where there are further entries, which need less.
 *
 * @param {import("rolldown").InputOptions} options
 * @returns {Promise<ReadonlySet<string>>}
 */
async function modulesOfStart(options) {
  const [entry = "", ...others] = Object.values(/** @type {Record<string, string>} */ (options.input));
  if (others.length > 0) return new Set();
  /** @type {Map<string, readonly string[]>} */
  const imports = new Map();
  const bundled = await rolldown({
    ...options,
    plugins: [
      options.plugins,
      {
        name: "static-imports",
        buildEnd() {
          for (const id of this.getModuleIds()) imports.set(id, this.getModuleInfo(id)?.importedIds ?? []);
        },
      },
    ],
  });
  await bundled.generate();
  await bundled.close();
  const found = new Set([entry]);
  for (const id of found) for (const imported of imports.get(id) ?? []) found.add(imported);
  found.delete(entry);
  return found;
}

/** @param {string[]} modules Paths of files. */
function noticesOf(modules) {
  const libraries = new Map();
  for (const module of modules) {
    const [root] = module.match(/^.*\/node_modules\/(@[^/]+\/)?[^/]+(?=\/)/) ?? [];
    if (root === undefined || libraries.has(root)) continue;
    const { name, version, license } = JSON.parse(readFileSync(path.join(root, "package.json"), "utf8"));
    const texts = readdirSync(root)
      .filter((file) => LICENSE_FILE.test(file))
      .map((file) => readFileSync(path.join(root, file), "utf8").trim());
    libraries.set(root, [`${name} ${version} (${license})`, ...texts].join("\n\n"));
  }
  const each = [...new Set(libraries.values())].sort();
  return `These files hold code of the libraries below, each under its own licence.\n\n${each.join(`\n\n${"-".repeat(72)}\n\n`)}\n`;
}
