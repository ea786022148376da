import { describe, expect, test } from "vitest";
import { fencedBlocks, proseOf, treatmentOf } from "./fenced-blocks.js";
import { shellCommands } from "./shell-commands.js";

describe("fencedBlocks", () => {
  test("gives language, text and line of each block, and what the comment before it says", () => {
    const page = [
      "text",
      "<!-- given: const a = 1; -->",
      "<!-- test: run -->",
      "<!-- then: b; -->",
      "",
      "```ts",
      "a;",
      "```",
      "````",
      "```",
      "````",
    ];
    expect(fencedBlocks("p.md", page.join("\n"))).toEqual([
      {
        page: "p.md",
        line: 6,
        language: "ts",
        text: "a;\n",
        treatment: { kind: "run", as: "owner" },
        given: "const a = 1;",
        then: "b;",
      },
      {
        page: "p.md",
        line: 9,
        language: "",
        text: "```\n",
        treatment: { kind: "unsaid" },
        given: "",
        then: "",
      },
    ]);
  });

  test("a comment holds for the block right behind it only", () => {
    const [block] = fencedBlocks("p.md", "<!-- test: run -->\ntext\n```sh\nls\n```\n");
    expect(block?.treatment).toEqual({ kind: "unsaid" });
  });

  test("a block of a list loses the list's indentation", () => {
    expect(fencedBlocks("p.md", "- a\n\n  ```sh\n  ls \\\n    -l\n  ```\n")[0]?.text).toBe("ls \\\n  -l\n");
  });

  test("a block without an end is an error", () => {
    expect(() => fencedBlocks("p.md", "```sh\nls\n")).toThrow("p.md:1");
  });
});

test("a treatment that means nothing is an error", () => {
  expect(() => treatmentOf("skip")).toThrow("skip");
  expect(() => treatmentOf("checked, not run: it is long")).toThrow("checked");
  expect(() => treatmentOf("run with servants")).toThrow("servants");
  expect(treatmentOf("run with servers, says a b")).toEqual({ kind: "session", says: "a b" });
  expect(treatmentOf("run in a session of orders, says 1")).toEqual({
    ...{ kind: "session", service: "orders", says: "1" },
  });
  expect(() => treatmentOf("run by hand")).toThrow("hand");
  expect(treatmentOf("run by test/a/b.test.ts")).toEqual({ kind: "by", test: "test/a/b.test.ts" });
  expect(treatmentOf("run by CI")).toEqual({ kind: "ci" });
  expect(treatmentOf("saved as a.yml")).toEqual({ kind: "saved", file: "a.yml" });
  expect(treatmentOf("send POST /services")).toEqual({ kind: "send", method: "POST", path: "/services" });
});

test("prose is a page without its blocks and comments", () => {
  expect(proseOf("a\n```sh\n# b\n```\n<!-- c -->d\n")).toBe("a\n\nd\n");
});

describe("shellCommands", () => {
  test.each([
    ["a one 'two three' # four", [["a", "one", "two three"]]],
    [
      "x | a 1 && a 2; b",
      [
        ["a", "1"],
        ["a", "2"],
      ],
    ],
    [
      'b "$(a --url)/x" "$(a c)"',
      [
        ["a", "--url"],
        ["a", "c"],
      ],
    ],
    [
      "T=$(a t) a p",
      [
        ["a", "t"],
        ["a", "p"],
      ],
    ],
    ["a 1 \\\n  2 <in >out 2>&1", [["a", "1", "2", "2"]]],
    ["b a c", []],
  ])("%j", (text, commands) => {
    expect(shellCommands(text, ["a"])).toEqual(commands);
  });
});
