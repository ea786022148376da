import { PassThrough } from "node:stream";
import { expect, test } from "vitest";

import { runProgram } from "../program.js";
import { COMMANDS, GROUPS } from "./registry.js";

async function run(words: readonly string[]): Promise<{ code: number; out: string; err: string }> {
  const stream = () => Object.assign(new PassThrough(), { isTTY: true });
  const [stdin, stdout, stderr] = [stream(), stream(), stream()];
  const env = { NO_COLOR: "1", TERM: "xterm" };
  const code = await runProgram({ argv: ["node", "vault-cli", ...words], env, stdin, stdout, stderr });
  const text = (from: PassThrough): string => ((from.read() as Buffer | null) ?? "").toString();
  return { code, out: text(stdout), err: text(stderr) };
}

const SHOWN = COMMANDS.filter(({ hidden }) => hidden !== true).map(
  (entry) => [entry.path.join(" "), entry] as const,
);

test.each(SHOWN)(
  "%s has help with examples, takes --json and --quiet, and honours NO_COLOR",
  async (_, entry) => {
    const { code, out, err } = await run([...entry.path, "--help"]);
    expect(code).toBe(0);
    expect(err).toBe("");
    expect(out).toContain(entry.summary);
    for (const part of ["Examples:\n", "--json", "--quiet", "--addr"]) expect(out).toContain(part);
    expect(out).not.toContain("\u001b");
  },
);

test.each(SHOWN)("%s tells wrong usage without colours, and with --json as JSON", async (_, entry) => {
  const wrong = [...entry.path, "--no-such-option"];
  const text = await run(wrong);
  expect(text).toMatchObject({ code: 2, out: "" });
  expect(text.err).toMatch(/^error: (?:unknown|required) option '.*\nhint: see /);
  const json = await run(["--json", ...wrong]);
  expect(json).toMatchObject({ code: 2, out: "" });
  expect(JSON.parse(json.err)).toMatchObject({ code: "usage" });
});

test.each(Object.keys(GROUPS))("the help of the group %s ends with examples of its own", async (group) => {
  const { out } = await run([...group.split(" "), "--help"]);
  expect(out).toMatch(new RegExp(`\nExamples:\n(?:  vault-cli ${group} .*\n)+$`));
});

test("every group says what it is for, and no hidden command is in the help", async () => {
  const groups = COMMANDS.flatMap(({ path }) => (path.length === 1 ? [] : [path.slice(0, -1).join(" ")]));
  const commands = new Set(COMMANDS.map(({ path }) => path.join(" ")));
  for (const group of groups) expect(commands.has(group) || GROUPS[group], group).toBeTruthy();
  expect((await run(["--help"])).out).not.toContain("__complete");
});
