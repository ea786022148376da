/** An instruction of a Dockerfile, its continued lines joined. */
export interface Instruction {
  /** Upper case. */
  readonly name: string;
  readonly text: string;
}

/** The instructions of a Dockerfile that uses no here-documents and no escape directive, stage by stage. */
export function readDockerfile(text: string): {
  /** Before the first `FROM`. */
  readonly head: readonly Instruction[];
  /** Each begins with its `FROM`. */
  readonly stages: readonly (readonly Instruction[])[];
} {
  const lines = text
    .split("\n")
    .filter((line) => !/^\s*#/.test(line))
    .join("\n")
    .replaceAll(/\\\n\s*/g, "")
    .split("\n")
    .filter((line) => line.trim() !== "");
  const head: Instruction[] = [];
  const stages: Instruction[][] = [];
  for (const line of lines) {
    const [, name = "", rest = ""] = /^\s*(\w+)\s+(.*)$/.exec(line) ?? [];
    if (name.toUpperCase() === "FROM") stages.push([]);
    (stages.at(-1) ?? head).push({ name: name.toUpperCase(), text: rest.trim() });
  }
  return { head, stages };
}

/** The text of the only instruction of that name. */
export function only(instructions: readonly Instruction[], name: string): string {
  const found = instructions.filter((instruction) => instruction.name === name);
  if (found.length !== 1) throw new Error(`${found.length} instructions ${name}, not one`);
  return found[0]!.text;
}

/** What `ENV A=1 B=2` sets; values here are never quoted. */
export function environmentOf(instructions: readonly Instruction[]): Readonly<Record<string, string>> {
  const pairs = instructions
    .filter(({ name }) => name === "ENV")
    .flatMap(({ text }) => text.split(/\s+/))
    .map((pair): [string, string] => {
      const [name = "", ...value] = pair.split("=");
      return [name, value.join("=")];
    });
  return Object.fromEntries(pairs);
}
