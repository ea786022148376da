import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { quoteShellWords } from "./quoted-shell-words.js";

const ASCII = Array.from({ length: 127 }, (_, index) => String.fromCharCode(index + 1));

// fish keeps these code points for itself, zsh and tcsh mark bytes of their own in what UTF-8 uses.
const STRANGE = [
  "\u{fdd0}",
  "\u{f601}",
  "\u{f6ff}",
  "\u{83}",
  "\u{a0}",
  "\u{ff1b}",
  "\u{202e}",
  "\u{10ffff}",
];

const WHOLE_WORDS = [
  ..."~ ~root # * ? [a-z] {a,b} {} ! !! !-1 = =ls a=b %1 %self @ ^a^b - -- -n + : . .. [[ ( $HOME ${HOME}".split(
    " ",
  ),
  ..."$(id) `id` '' \\ \\\\ \\n a\\ 'a' \\' '\\'' \"a\" ;; && || > 2>&1 <(id) &".split(" "),
  "",
  "a b",
  "\t",
];

const wordWithout = (newline: boolean): fc.Arbitrary<string> =>
  fc
    .oneof(
      fc.constantFrom(...WHOLE_WORDS),
      fc.string({ unit: fc.constantFrom(...ASCII), maxLength: 6 }),
      fc.string({ unit: fc.constantFrom("'", "\\", "!", "a", " ", '"'), maxLength: 6 }),
      fc.string({ unit: fc.oneof(fc.constantFrom(...STRANGE), fc.string({ unit: "binary", minLength: 1 })) }),
    )
    .map((word) => word.replaceAll("\0", "").replaceAll("\n", newline ? "" : "\n"));

interface Shell {
  readonly name: string;
  readonly program: string;
  readonly options: readonly string[];
  readonly endsLinesInsideQuotes?: true;
}

const SHELLS: readonly Shell[] = [
  { name: "dash", program: "dash", options: [] },
  { name: "bash", program: "bash", options: ["--norc", "--noprofile"] },
  { name: "bash as sh", program: "bash", options: ["--posix"] },
  { name: "fish", program: "fish", options: ["--no-config"] },
  { name: "tcsh", program: "tcsh", options: ["-f"], endsLinesInsideQuotes: true },
];

let directory = "";
beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), "quoted-shell-words-"));
});
afterAll(() => {
  rmSync(directory, { recursive: true });
});

/** What the commands print when one process of the shell runs them one after the other. */
function output(shell: Shell, commands: readonly string[], locale: string): string {
  const script = join(directory, "script");
  writeFileSync(script, `${commands.join("\n")}\n`);
  const { stdout, stderr, error } = spawnSync(shell.program, [...shell.options, script], {
    env: { PATH: process.env.PATH, LC_ALL: locale, HOME: directory },
    timeout: 30_000,
  });
  if (error) throw error;
  expect(stderr.toString()).toBe("");
  return stdout.toString();
}

describe.each(["C.UTF-8", "C"])("in the locale %s", (locale) => {
  test.each(SHELLS)("$name reads exactly the words that were quoted", (shell) => {
    const noNewline = shell.endsLinesInsideQuotes === true;
    const every = [...WHOLE_WORDS, ...ASCII.filter((character) => !noNewline || character !== "\n")];
    const lists = [
      every,
      every.map((word) => `a${word}`),
      every.map((word) => `${word}a`),
      ...fc.sample(fc.array(wordWithout(noNewline), { maxLength: 6 }), shell.program === "tcsh" ? 100 : 300),
    ];
    const commands = lists.map((words) =>
      quoteShellWords(["printf", "%s\\0", String(words.length), ...words]),
    );
    const seen = output(shell, commands, locale);
    const wanted = lists.map((words) => [String(words.length), ...words].map((word) => `${word}\0`).join(""));
    expect(seen).toBe(wanted.join(""));
  });
});

test.each([
  [["docker", "ps", "-a"], "docker ps -a"],
  [
    ["/usr/bin/docker-compose", "up", "web_1:80", "a/b,c", "+%s", "me@host"],
    "/usr/bin/docker-compose up web_1:80 a/b,c +%s me@host",
  ],
  [["ls", ""], "ls ''"],
  [["ls", "a b", "*"], "ls 'a b' '*'"],
  [["ls", "it's"], "ls 'it'\\''s'"],
  [["ls", "a\\b\\"], "ls 'a'\\\\'b'\\\\"],
  [["ls", "really!"], "ls 'really'\\!"],
  [["ls", "%1", "@", "=ls", "~", "a=b"], "ls '%1' '@' '=ls' '~' 'a=b'"],
])("%j is written as %s", (words, command) => {
  expect(quoteShellWords(words)).toBe(command);
});

test.each(["if", "begin", "time", "repeat", "foreach", "-c", "+x", "a=b", "%1", "loop:", "@", ""])(
  "as the first word %j is quoted",
  (word) => {
    expect(quoteShellWords([word, "x"])).toBe(`'${word}' x`);
  },
);

test("no backslash and no exclamation mark stands between single quotes, where fish and csh give them a meaning", () => {
  fc.assert(
    fc.property(fc.array(wordWithout(false), { minLength: 1 }), (words) => {
      const outside = quoteShellWords(words).replace(/\\['\\!]/g, "");
      expect(outside).not.toMatch(/[\\!]/);
    }),
  );
});
