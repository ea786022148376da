import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { createCommandRule, parseAllowedCommand } from "./command-rules.js";

describe("an allowed command", () => {
  test.each<[string, readonly string[]]>([
    ["docker ps", ["docker", "ps"]],
    [" systemctl  restart 'my app' ", ["systemctl", "restart", "my app"]],
    ["/opt/a=b/run", ["/opt/a=b/run"]],
    ["ls a=b", ["ls", "a=b"]],
  ])("%j has the words %j", (entry, words) => {
    expect(parseAllowedCommand(entry)).toEqual({ ok: true, words });
  });

  test.each([
    ["nothing", ""],
    ["blanks", "  "],
    ["an empty first word", "'' ps"],
    ["an assignment", "A=1 docker ps"],
    ["an assignment of a path", "PATH=/tmp docker"],
    ["a quoted assignment", "'A=1' docker"],
    ["an equals sign first", "=ls"],
    ["two commands", "docker ps; ls"],
    ["an expansion", "echo $HOME"],
    ["an open quote", "echo 'a"],
    ["a newline between single quotes", "echo 'a\nb'"],
  ])("cannot be %s", (_, entry) => {
    const parsed = parseAllowedCommand(entry);
    expect(parsed).toMatchObject({ ok: false });
    expect(createCommandRule([entry]).admit(entry)).toMatchObject({ ok: false });
  });
});

const rule = createCommandRule([
  "docker ps",
  "echo",
  "git log '--format=%H %an'",
  "systemctl restart app",
  "a; b",
]);

describe("a rule admits", () => {
  test.each([
    ["the entry itself", "docker ps", "docker ps"],
    ["the entry and more words", "docker ps -a", "docker ps -a"],
    ["other blanks", "\tdocker   ps ", "docker ps"],
    ["other quotes", `'doc'ker "ps"`, "docker ps"],
    ["a quoted semicolon", "docker ps ';' ls", "docker ps ';' ls"],
    ["a template", "docker ps --format '{{.ID}}'", "docker ps --format '{{.ID}}'"],
    [
      "what a shell would expand, as text",
      "echo * ~ {a,b} #c !d =e",
      "echo '*' '~' '{a,b}' '#c' \\!'d' '=e'",
    ],
    ["an operator between single quotes", "echo '&& $(id) `id`'", "echo '&& $(id) `id`'"],
    ["a quote between quotes", `echo "it's"`, "echo 'it'\\''s'"],
    ["a word with a blank", "git log '--format=%H %an' -1", "git log '--format=%H %an' -1"],
    ["another spelling of that word", `git log --format="%H %an"`, "git log '--format=%H %an'"],
    ["what only the upstream shell could read, quoted", "echo 'ä；'", "echo 'ä；'"],
  ])("%s", (_, command, sent) => {
    expect(rule.admit(command)).toEqual({ ok: true, command: sent });
  });
});

describe("a rule refuses", () => {
  test.each([
    ["another command", "ls"],
    ["the beginning of an entry", "docker"],
    ["a longer word than the entry's", "docker psx"],
    ["the entry's words as one", "'docker ps'"],
    ["the entry's words as one, by a path", "dockerps"],
    ["a program of that name elsewhere", "./docker ps"],
    ["another case", "Docker ps"],
    ["an option between", "docker -H tcp://x ps"],
    ["an empty word between", "docker '' ps"],
    ["an empty word first", "'' docker ps"],
    ["part of a word with a blank", "git log --format=%H %an"],
    ["a second command by ;", "docker ps; rm -rf /"],
    ["a second command by ; without blanks", "docker ps;id"],
    ["a second command by &&", "docker ps && id"],
    ["a second command by ||", "docker ps || id"],
    ["a second command by &", "docker ps & id"],
    ["a second command by |", "docker ps | sh"],
    ["a second command by |&", "docker ps |& sh"],
    ["a second command by a newline", "docker ps\nid"],
    ["a second command by CR LF", "docker ps\r\nid"],
    ["a second command by a newline between single quotes, which csh runs", "echo 'a\nid\n'"],
    ["a second command after NUL", "docker ps\0; id"],
    ["an escaped newline", "docker \\\nps"],
    ["backquotes", "docker ps `id`"],
    ["backquotes in double quotes", 'echo "`id`"'],
    ["$( )", "docker ps $(id)"],
    ["$( ) in double quotes", 'echo "$(id)"'],
    ["${ }", "echo ${HOME}"],
    ["a variable", "echo $HOME"],
    ["a variable in double quotes", 'echo "$HOME"'],
    ["$' '", "echo $'a'"],
    ['$" "', 'echo $"a"'],
    ["arithmetic", "echo $((1+1))"],
    ["<( )", "echo <(id)"],
    [">( )", "echo >(id)"],
    ["a subshell", "(docker ps)"],
    ["output to a file", "docker ps > /etc/cron.d/x"],
    ["output appended to a file", "docker ps >> x"],
    ["output by descriptor", "docker ps 2>&1"],
    ["input from a file", "docker ps < x"],
    ["a here-document", "docker ps << x"],
    ["a here-string", "docker ps <<< x"],
    ["an assignment before it", "A=1 docker ps"],
    ["PATH before it", "PATH=/tmp docker ps"],
    ["LD_PRELOAD before it", "LD_PRELOAD=/tmp/x.so docker ps"],
    ["env before it", "env A=1 docker ps"],
    ["a reserved word before it", "time docker ps"],
    ["a negation", "! docker ps"],
    ["braces", "{ docker ps }"],
    ["a quote closed and opened around an operator", "echo 'a';'b'"],
    ["a quote closed by a backslash that is none", "echo 'a\\';id;'"],
    ["double quotes that close early", 'echo "a";id;"b"'],
    ["an open quote", "docker ps 'a"],
    ["a no-break space", "docker\u{a0}ps"],
    ["a fullwidth semicolon", "docker ps；id"],
    ["curly quotes", "echo \u{2018}a\u{2019}"],
    ["a zero-width space in a word", "doc\u{200b}ker ps"],
    ["a right-to-left override", "docker ps \u{202e}di"],
    ["a Cyrillic look-alike", "d\u{43e}cker ps"],
    ["a look-alike between single quotes", "'d\u{43e}cker' ps"],
    ["a lone surrogate", "docker ps '\ud83d'"],
    ["an escape character", "docker ps \u{1b}[2J"],
    ["nothing", ""],
    ["blanks", "  "],
    ["an entry that is none", "a; b"],
    ["the first word of an entry that is none", "a"],
  ])("%s", (_, command) => {
    expect(rule.admit(command)).toMatchObject({ ok: false });
  });

  test("everything, when nothing is allowed", () => {
    expect(createCommandRule([]).admit("ls")).toEqual({
      ok: false,
      reason: "the command is not among those allowed",
    });
  });

  test("without repeating the command", () => {
    fc.assert(
      fc.property(fc.string({ unit: "grapheme" }), (noise) => {
        const answer = rule.admit(`Zq7${noise}`);
        expect(answer.ok ? "" : answer.reason).not.toContain("Zq7");
        expect(answer.ok).toBe(false);
      }),
    );
  });
});

describe("run by a real shell, an admitted command", () => {
  let directory = "";
  beforeAll(() => {
    directory = mkdtempSync(join(tmpdir(), "command-rules-"));
    const bin = join(directory, "bin");
    mkdirSync(bin);
    // The one says which arguments it got, the other that it ran at all.
    writeFileSync(join(bin, "marker"), `#!/bin/sh\nprintf '%s\\0' "$@"\n`, { mode: 0o755 });
    writeFileSync(join(bin, "canary"), `#!/bin/sh\n: > '${directory}/canary-ran'\n`, { mode: 0o755 });
    writeFileSync(join(directory, "run.py"), RUN);
  });
  afterAll(() => {
    rmSync(directory, { recursive: true });
  });

  /** Of each: what Python takes the words of the text to be, and the arguments that the marker was given. */
  function run(shell: readonly string[], pairs: readonly Pair[]): readonly Outcome[] {
    const { stdout, stderr, error } = spawnSync("python3", [join(directory, "run.py")], {
      cwd: directory,
      input: JSON.stringify({ shell, pairs }),
      env: {
        ...process.env,
        PATH: `${join(directory, "bin")}:${process.env.PATH ?? ""}`,
        HOME: directory,
      },
      timeout: 50_000,
    });
    if (error) throw error;
    expect(stderr.toString()).toBe("");
    return JSON.parse(stdout.toString()) as Outcome[];
  }

  test.each<[string, readonly string[], number]>([
    ["dash", ["dash", "-c"], 150],
    ["bash", ["bash", "-c"], 100],
    ["fish", ["fish", "--no-config", "-c"], 30],
    ["tcsh", ["tcsh", "-f", "-c"], 50],
  ])("runs the entry's program with its words, and nothing else, in %s", (_, shell, count) => {
    const admitting = createCommandRule(["marker"]);
    const pairs = fc
      .sample(attempts, count * 20)
      .flatMap((tail): Pair[] => {
        const text = `marker ${tail}`;
        const admitted = admitting.admit(text);
        return admitted.ok ? [[text, admitted.command]] : [];
      })
      .slice(0, count);
    expect(pairs).toHaveLength(count);
    const outcomes = run(shell, pairs);
    for (const [index, { words, output }] of outcomes.entries()) {
      expect(words?.[0], pairs[index]?.[0]).toBe("marker");
      const argumentsGiven = words?.slice(1) ?? [];
      const printed = argumentsGiven.length === 0 ? "\0" : argumentsGiven.map((word) => `${word}\0`).join("");
      expect(output, pairs[index]?.[0]).toBe(printed);
    }
    expect(existsSync(join(directory, "canary-ran"))).toBe(false);
  });

  test("would be caught running a second one", () => {
    run(["dash", "-c"], [["marker", "marker a; canary"]]);
    expect(existsSync(join(directory, "canary-ran"))).toBe(true);
    rmSync(join(directory, "canary-ran"));
  });
});

type Pair = readonly [text: string, admitted: string];

interface Outcome {
  readonly words: readonly string[] | null;
  readonly output: string;
}

const TRICK = fc.constantFrom(
  ..."; && || | & > < >> 2>&1 canary `canary` $(canary) ${x} $'\\n' <(canary) ( ) { } ! !! !canary # * ? [a] ~ = a=b".split(
    " ",
  ),
  "\ncanary\n",
  "\r",
  "\t",
  " ",
  "\\",
  "\\'",
  '\\"',
  "；",
  "\u{a0}",
  "é",
);
const tricks = fc.array(TRICK, { maxLength: 5 }).map((pieces) => pieces.join(" "));

/** Most tricks stand in quotes of either kind, or else the rule would refuse nearly all. */
const attempts = fc
  .array(
    fc.oneof(
      { weight: 6, arbitrary: tricks.map((inside) => `'${inside.replaceAll(/['\n]/g, "")}'`) },
      {
        weight: 3,
        arbitrary: fc.constantFrom(
          `"'"`,
          `"a'b"`,
          `""`,
          "''",
          `"!"`,
          `"* #"`,
          "a",
          "-n",
          "~",
          "!!",
          "#c",
          "{a,b}",
        ),
      },
      { weight: 3, arbitrary: fc.constantFrom(" ", "\t", "  ") },
      { weight: 1, arbitrary: tricks.map((inside) => `"${inside}"`) },
      { weight: 1, arbitrary: tricks },
    ),
    { minLength: 1, maxLength: 8 },
  )
  .map((pieces) => pieces.join(""));

const RUN = `
import json, shlex, subprocess, sys

asked = json.load(sys.stdin)

def words(text):
    try:
        return shlex.split(text)
    except ValueError:
        return None

def output(command):
    done = subprocess.run(asked["shell"] + [command], stdin=subprocess.DEVNULL, capture_output=True)
    return (done.stdout + done.stderr).decode()

json.dump([{"words": words(text), "output": output(sent)} for text, sent in asked["pairs"]], sys.stdout)
`;
