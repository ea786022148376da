import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { quoteShellWords } from "./quoted-shell-words.js";
import { splitShellWords } from "./shell-words.js";

describe("words", () => {
  test.each<[string, readonly string[]]>([
    ["docker ps", ["docker", "ps"]],
    [" \t docker \t ps\t", ["docker", "ps"]],
    [`a'b'"c"`, ["abc"]],
    [`''`, [""]],
    [`ls "" ''""`, ["ls", "", ""]],
    [`ls 'a  b' "c  d"`, ["ls", "a  b", "c  d"]],
    [`ls '"' "'"`, ["ls", '"', "'"]],
    ["ls 'a\tb' \"c\td\"", ["ls", "a\tb", "c\td"]],
    ["ls * ? [a-z] ~ # {a,b} ! %1 ^ = a=b", "ls * ? [a-z] ~ # {a,b} ! %1 ^ = a=b".split(" ")],
    [`echo '; & | < > ( ) $ \\ \` \n \r'`, ["echo", "; & | < > ( ) $ \\ ` \n \r"]],
    ["echo 'naïve；\u{a0}\u{200b}\u{202e}\u{1b}'", ["echo", "naïve；\u{a0}\u{200b}\u{202e}\u{1b}"]],
    [`docker ps --format '{{.ID}}'`, ["docker", "ps", "--format", "{{.ID}}"]],
    ["ls #a", ["ls", "#a"]],
  ])("of %j are %j", (command, words) => {
    expect(splitShellWords(command)).toEqual({ ok: true, words });
  });
});

const refusedOutsideSingleQuotes: readonly [string, string][] = [
  ["a semicolon", ";"],
  ["an ampersand", "&"],
  ["a vertical bar", "|"],
  ["a less-than sign", "<"],
  ["a greater-than sign", ">"],
  ["an opening parenthesis", "("],
  ["a closing parenthesis", ")"],
  ["a dollar sign", "$"],
  ["a backslash", "\\"],
  ["a backquote", "`"],
  ["a newline", "\n"],
  ["a carriage return", "\r"],
  ["a vertical tab", "\v"],
  ["a form feed", "\f"],
  ["a backspace", "\b"],
  ["an escape character", "\u{1b}"],
  ["an end-of-transmission character", "\u{4}"],
  ["a delete character", "\u{7f}"],
  ["a next-line character", "\u{85}"],
  ["a no-break space", "\u{a0}"],
  ["an en space", "\u{2002}"],
  ["an ideographic space", "\u{3000}"],
  ["a line separator", "\u{2028}"],
  ["a zero-width space", "\u{200b}"],
  ["a zero-width joiner", "\u{200d}"],
  ["a byte order mark", "\u{feff}"],
  ["a soft hyphen", "\u{ad}"],
  ["a right-to-left override", "\u{202e}"],
  ["a right-to-left isolate", "\u{2067}"],
  ["a fullwidth semicolon", "；"],
  ["a Greek question mark", "\u{37e}"],
  ["a fullwidth ampersand", "＆"],
  ["a fullwidth vertical bar", "｜"],
  ["a fullwidth dollar sign", "＄"],
  ["a fullwidth backquote", "｀"],
  ["a fullwidth reverse solidus", "＼"],
  ["a left curly quote", "\u{2018}"],
  ["a right curly quote", "\u{2019}"],
  ["a curly double quote", "\u{201c}"],
  ["a fullwidth apostrophe", "＇"],
  ["a Cyrillic a", "\u{430}"],
  ["a combining accent", "\u{301}"],
  ["an emoji", "\u{1f600}"],
  ["a tag character", "\u{e0041}"],
];

describe("outside single quotes", () => {
  test.each(refusedOutsideSingleQuotes)("%s is refused, in double quotes too", (_, character) => {
    for (const command of [
      `ls ${character} id`,
      `ls${character}id`,
      `${character}ls`,
      `ls ${character}`,
      `echo "${character}"`,
      `echo "'${character}'"`,
      `echo ''${character}''`,
      `echo 'a'"b${character}"`,
    ]) {
      expect(splitShellWords(command), command).toMatchObject({ ok: false });
    }
    expect(splitShellWords(`echo 'a${character}b'`)).toEqual({ ok: true, words: ["echo", `a${character}b`] });
  });

  test("every printable ASCII character but the named ones is accepted, and no other character", () => {
    const accepted: number[] = [];
    for (let code = 0; code <= 0xffff; code += 1) {
      if (splitShellWords(`x${String.fromCharCode(code)}x`).ok) accepted.push(code);
    }
    const printable = Array.from({ length: 0x7f - 0x20 }, (_, index) => 0x20 + index);
    const wanted = printable.filter((code) => !";&|<>()$\\`'\"".includes(String.fromCharCode(code)));
    expect(accepted).toEqual([0x09, ...wanted]);
  });
});

test.each([
  ["nothing", ""],
  ["blanks only", " \t "],
  ["an open single quote", "echo 'a"],
  ["an open double quote", 'echo "a'],
  ["a quote that opens at the end", "echo a'"],
  ["a double quote inside single ones as the end", `echo "a'`],
  ["NUL outside quotes", "ls\0"],
  ["NUL inside single quotes", "ls 'a\0b'"],
  ["NUL inside double quotes", 'ls "a\0b"'],
  ["a lone high surrogate inside single quotes", "ls '\ud83d'"],
  ["a lone low surrogate inside single quotes", "ls '\ude00'"],
])("%s is refused", (_, command) => {
  expect(splitShellWords(command)).toMatchObject({ ok: false });
});

test.each([
  ["ls; hunter2", "with an allow-list, a semicolon may stand only between single quotes"],
  ["ls\nhunter2", "with an allow-list, a newline may stand only between single quotes"],
  ["ls\rhunter2", "with an allow-list, a carriage return may stand only between single quotes"],
  ["ls $hunter2", "with an allow-list, a dollar sign may stand only between single quotes"],
  [
    "ls hünter2",
    "with an allow-list, what is not printable ASCII may stand only between single quotes: put it there",
  ],
  ["ls 'hunter2", "the command ends inside single quotes"],
  ['ls "hunter2', "the command ends inside double quotes"],
  ["", "the command is empty"],
])("%j is refused with the reason, which repeats nothing of it", (command, reason) => {
  expect(splitShellWords(command)).toEqual({ ok: false, reason });
});

const text = fc.string({ unit: "binary", maxLength: 12 }).map((value) => value.replaceAll("\0", ""));

test("what was quoted splits into the same words, unless it needs an escape, which the tokenizer does not read", () => {
  const words = fc.array(
    text.map((word) => word.replaceAll(/['\\!]/g, "")),
    { minLength: 1 },
  );
  fc.assert(
    fc.property(words, (list) => {
      expect(splitShellWords(quoteShellWords(list))).toEqual({ ok: true, words: list });
    }),
  );
});

/** The grammar once more, as one pattern: bare characters, double quotes around such or `'`, single quotes. */
const GRAMMAR =
  /^(?:[\t !#%*+,\-./0-9:=?@A-Z[\]^_a-z{}~]|"[\t !#%*+,\-./0-9:=?@A-Z[\]^_a-z{}~']*"|'[^'\0]*')*$/;

test("any text is split if it has the grammar of the tokenizer and more than blanks, and refused otherwise", () => {
  const soup = fc.string({
    unit: fc.constantFrom(..."' \" ' \" ; & | < > ( ) $ \\ ` \n \r \0 a * é".split(" "), " ", "\t"),
    maxLength: 12,
  });
  fc.assert(
    fc.property(fc.oneof(soup, fc.string({ unit: "binary-ascii" }), text), (command) => {
      expect(splitShellWords(command).ok).toBe(GRAMMAR.test(command) && /[^ \t]/.test(command));
    }),
    { numRuns: 3000 },
  );
});
