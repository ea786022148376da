import { expect, test } from "vitest";
import { callsIn, logCalls, type LogCall } from "./log-calls.js";
import { readPage } from "./pages.js";

const page = readPage("docs/logs.md");
const calls = logCalls();

const lineOf = (level: string, message: string, fields: Iterable<string>): string =>
  `${level} ${message} {${[...fields].sort().join(" ")}}`;

test("docs/logs.md has exactly the lines that the server logs, with their levels and fields", () => {
  const rows = page.matchAll(/^\| (debug|info|warn|error) *\| (?:`` (.+?) ``|`(.+?)`) *\| (.*?) *\|/gm);
  const documented = [...rows].map(([, level = "", quoted, plain, fields = ""]) =>
    lineOf(level, quoted ?? plain ?? "", fields.replaceAll("`", "").split(", ").filter(Boolean)),
  );
  const logged = calls.map(({ level, message, fields }) => lineOf(level, message, fields.keys()));
  expect(documented.toSorted()).toEqual([...new Set(logged)].sort());
});

test("the line that docs/logs.md shows is one of them", () => {
  const shown = /```text\n\S+Z ([A-Z]+) +(.*?)((?: \w+=\S+)+)\n```/.exec(page);
  const [, level = "", message = "", fields = ""] = shown ?? [];
  expect(calls.map((call) => lineOf(call.level, call.message, call.fields.keys()))).toContain(
    lineOf(
      level.toLowerCase(),
      message,
      [...fields.matchAll(/(\w+)=/g)].map(([, name = ""]) => name),
    ),
  );
});

test("docs/logs.md explains exactly the fields that there are", () => {
  const explained = [...page.matchAll(/^\| `(\w+)` *\|/gm)].map(([, name]) => name);
  expect(explained).toEqual([...new Set(calls.flatMap(({ fields }) => [...fields.keys()]))].sort());
});

test("no log line is given a secret, a whole token, a path of a call or the words of an unknown error", () => {
  expect(calls.flatMap(unsafeFieldsOf)).toEqual([]);
  const unsafe = `log.info({ token: id, by: request.token, path: c.req.path, note: key.reveal(), error: e.message }, "x")`;
  expect(callsIn("x.ts", unsafe).flatMap(unsafeFieldsOf)).toHaveLength(5);
});

/** By the expressions: a token is told by its beginning, and `reason` is of errors whose words are the server's own. */
function unsafeFieldsOf({ fields, place }: LogCall): string[] {
  return [...fields].flatMap(([name, values]) =>
    values
      .filter(
        (value) =>
          (/^(?:token|by)$/.test(name) && !value.endsWith(".id_prefix")) ||
          (name !== "reason" && /\bmessage$/.test(value)) ||
          /\breveal\(|\bpassword\b|\.(?:url|path|query|headers|body)\b/i.test(value),
      )
      .map((value) => `${place}: ${name}: ${value}`),
  );
}
