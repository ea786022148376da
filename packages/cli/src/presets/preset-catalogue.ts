import { readFile } from "node:fs/promises";
import { packageFile } from "../package-file.js";
import type { Preset } from "./preset.js";
import { presetProblems } from "./preset-check.js";

const FILE = "presets/providers.yaml";

export interface PresetCatalogue {
  readonly ids: readonly string[];
  /** By id, in the file's order. */
  readonly titles: ReadonlyMap<string, string>;
  /** Of those that `service add` can make a service of. */
  readonly idsWithKey: readonly string[];
  /** Of those that such a service's SDKs find by variables. */
  readonly idsWithSdk: readonly string[];
  /** Of the entries with `oauth2`. */
  readonly idsWithLogin: readonly string[];
  /** Ids whose entry says `family: <family>`, in the file's order. */
  idsOfFamily(family: string): readonly string[];
  /** Ids whose `base_url` is on this origin, such as `https://api.openai.com`; none for one with a tenant. */
  idsAt(origin: string): readonly string[];
  /** @throws Error for an entry that is not as the file's header says: the package is damaged */
  get(id: string): Promise<Preset | undefined>;
}

/** The facts that come with this package. */
export async function loadPresets(): Promise<PresetCatalogue> {
  return presetCatalogue(await readFile(packageFile(FILE), "utf8"));
}

/**
 * Parsing all of the file takes half a second, so only what is asked for is parsed: an entry begins with its id at the
 * beginning of a line, and goes on to the next.
 */
export function presetCatalogue(file: string): PresetCatalogue {
  const entries = new Map<string, string>();
  for (const entry of file.split(/^(?=[^\s#])/m)) {
    const id = /^([a-z0-9-]+):\n/.exec(entry)?.[1];
    if (id !== undefined) entries.set(id, entry);
  }
  const idsWhere = (wanted: (entry: string) => boolean): string[] =>
    [...entries].filter(([, entry]) => wanted(entry)).map(([id]) => id);
  const idsOfEntriesWith = (line: string): string[] => idsWhere((entry) => entry.includes(`\n  ${line}\n`));
  const lineOf = (entry: string, field: string): string =>
    new RegExp(`\\n  ${field}: (.*)\\n`).exec(entry)?.[1] ?? "";
  const isStored = (entry: string): boolean => !/\n {4}(?:type: aws_sigv4|exchange:)/.test(entry);
  return {
    ids: [...entries.keys()],
    idsWithKey: idsWhere((entry) => isStored(entry) && !entry.includes("\n  login_only: true\n")),
    idsWithSdk: idsWhere((entry) => isStored(entry) && entry.includes("\n  sdk_base_url_env:")),
    titles: new Map([...entries].map(([id, entry]) => [id, lineOf(entry, "title")])),
    idsWithLogin: idsOfEntriesWith("oauth2:"),
    idsOfFamily: (family) => idsOfEntriesWith(`family: ${family}`),
    idsAt: (origin) =>
      [...entries].flatMap(([id, entry]) =>
        `${lineOf(entry, "base_url")}/`.startsWith(`${origin}/`) ? [id] : [],
      ),
    async get(id) {
      const entry = entries.get(id);
      if (entry === undefined) return undefined;
      const { parse } = await import("yaml");
      const value = (parse(entry) as Readonly<Record<string, unknown>>)[id];
      const [problem] = presetProblems(id, value);
      if (problem !== undefined) throw new Error(`presets/providers.yaml: ${problem}`);
      return value as Preset;
    },
  };
}
