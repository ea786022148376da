/** Sections of a unit file (systemd.syntax(7)), each with its settings in order; one that is given again is listed again. */
export type UnitFile = Readonly<Record<string, readonly (readonly [key: string, value: string])[]>>;

/** Of a unit without continued lines. */
export function readUnitFile(text: string): UnitFile {
  const sections: Record<string, [string, string][]> = {};
  let section: [string, string][] | undefined;
  for (const line of text.split("\n")) {
    const title = /^\[(\w+)\]$/.exec(line)?.[1];
    const [, key, value] = /^(\w+)=(.*)$/.exec(line) ?? [];
    if (title !== undefined) section = sections[title] ??= [];
    else if (key !== undefined && value !== undefined && section !== undefined) section.push([key, value]);
    else if (line !== "" && !line.startsWith("#")) throw new Error(`no line of a unit: ${line}`);
  }
  return sections;
}

export function settingsOf(unit: UnitFile, section: string, key: string): readonly string[] {
  return (unit[section] ?? []).filter(([name]) => name === key).map(([, value]) => value);
}

export function settingOf(unit: UnitFile, section: string, key: string): string | undefined {
  return settingsOf(unit, section, key).at(-1);
}
