import fc from "fast-check";
import { format } from "prettier";
import { expect, test } from "vitest";
import { parseCommandLine } from "../../bench/harness/command-line.mjs";
import { figure } from "../../bench/harness/figure.mjs";
import { expand, parsePeers } from "../../bench/harness/peer.mjs";
import { resultsPage } from "../../bench/harness/results-page.mjs";
import { isReached, type RowResult, type Target } from "../../bench/harness/row.mjs";
import { median, medianRatio, quantile } from "../../bench/harness/statistics.mjs";
import { linesTable, targetCells, targetsTable } from "../../bench/harness/table.mjs";
import { takeTurns } from "../../bench/harness/turns.mjs";

const target: Target = {
  what: "processor time, × nginx's",
  comparison: "at most",
  limit: 4,
  then: 2.5,
  unit: "×",
  measured: 3.456,
};
const results: RowResult[] = [
  {
    row: { name: "small", title: "small GET" },
    seconds: 70,
    measured: {
      settings: "2 turns",
      lines: [
        { "": "nginx", µs: 12.34 },
        { "": "vault-server", µs: 1234.5, "a | b": "x|y" },
      ],
      targets: [target, { ...target, what: "another", comparison: "at least", limit: 6 }],
    },
  },
  { row: { name: "broken", title: "a row that fails" }, seconds: 1, failure: "Error: it did" },
];
const machine = { cores: 2, memoryGb: 24, load: 0.3, date: "2026-11-22", versions: { node: "20.20.2" } };

test("everyone is measured once a turn, in turn", async () => {
  const order: string[] = [];
  const samples = await takeTurns(["a", "b"], 3, (name, turn) => {
    order.push(name);
    return Promise.resolve(`${name}${turn}`);
  });
  expect(order.join("")).toBe("ababab");
  expect([...samples]).toEqual([
    ["a", ["a0", "a1", "a2"]],
    ["b", ["b0", "b1", "b2"]],
  ]);
});

test("a ratio is the median of those within a turn", () => {
  expect(medianRatio([2, 40, 6], [1, 10, 3])).toBe(2);
  expect(() => medianRatio([1], [1, 2])).toThrow(RangeError);
});

test("quantiles are samples, and the median has as many on either side", () => {
  fc.assert(
    fc.property(
      fc.array(fc.integer(), { minLength: 1 }),
      fc.double({ min: 0, max: 1, noNaN: true }),
      (values, share) => {
        expect(values).toContain(quantile(values, share));
        const middle = median(values);
        expect(values.filter((value) => value < middle).length).toBeLessThanOrEqual(values.length / 2);
        expect(values.filter((value) => value > middle).length).toBeLessThan(values.length / 2);
      },
    ),
  );
  expect(() => quantile([], 0.5)).toThrow(RangeError);
});

test("figures have three digits or all of their whole ones", () => {
  expect([1.234, 12.34, 123.4, 1234.5, 7, -0.5].map((value) => figure(value))).toEqual([
    ...["1.23", "12.3", "123", "1,235", "7", "-0.50"],
  ]);
  expect([figure(Number.NaN), figure(undefined), figure("direct")]).toEqual(["–", "", "direct"]);
});

test("a target is reached at its limit, and never by what was not measured", () => {
  const at = (comparison: Target["comparison"], measured: number): boolean =>
    isReached({ ...target, comparison, measured });
  expect([at("at most", 4), at("at most", 4.01), at("at least", 4), at("at least", 3.99)]).toEqual([
    ...[true, false, true, false],
  ]);
  expect([at("exactly", 4), at("exactly", 5)]).toEqual([true, false]);
  for (const comparison of ["at most", "at least", "exactly"] as const)
    expect(at(comparison, Number.NaN)).toBe(false);
});

test("the table of targets says of each whether it is reached, and of a row that it failed", async () => {
  expect(targetCells(results)).toEqual([
    ["small GET", "processor time, × nginx's", "at most 4 ×, then 2.50 ×", "3.46 ×", "yes"],
    ["", "another", "at least 6 ×, then 2.50 ×", "3.46 ×", "**no**"],
    ["a row that fails", "", "", "", "failed"],
  ]);
  const text = await targetsTable(results);
  expect(text).toMatch(/small GET .* 3\.46 × .* yes/);
  expect(text).not.toContain("**");
});

test("the table of a row has all headings of its lines", async () => {
  const [row, broken] = results as [RowResult, RowResult];
  expect(await linesTable(row)).toMatch(/µs .*a \| b[^]*nginx .* 12\.3 [^]*1,235 .* x\|y/);
  expect(await linesTable(broken)).toBe("Error: it did");
});

test("the page of results has machine, targets and figures, and is formatted as the check wants it", async () => {
  const notes =
    "<!-- by hand from here on: `pnpm bench` leaves it as it is -->\n\n## What was found\n\nMuch.\n";
  const page = await resultsPage(machine, results, `# Measured\n\nEarlier figures.\n\n${notes}`);
  expect(page).not.toContain("Earlier figures");
  expect(page.endsWith(`\n\n${notes}`)).toBe(true);
  expect(await resultsPage(machine, results, page)).toBe(page);
  expect(await resultsPage(machine, results, "")).not.toContain("by hand");
  expect(page).toContain("in 2 min on 2 cores and 24 GB, 2026-11-22, node 20.20.2");
  expect(page).toMatch(
    /\| small GET +\| processor time, × nginx's +\| at most 4 ×, then 2\.50 × +\| 3\.46 × +\| yes +\|/,
  );
  expect(page).toMatch(/## small GET\n\n`pnpm bench small`: 2 turns\./);
  expect(page).toContain("x\\|y");
  expect(page).toMatch(/## a row that fails\n\nIt failed\./);
  expect(await format(page, { parser: "markdown" })).toBe(page);
});

test("a peer is a name, a command, a URL and a header", () => {
  expect(parsePeers("mine=node my.mjs -a 1,2 --x=y,http://127.0.0.1:$PORT/x,X-Key: a:b, c")).toEqual([
    {
      name: "mine",
      command: "node my.mjs -a 1,2 --x=y",
      url: "http://127.0.0.1:$PORT/x",
      header: ["X-Key", "a:b, c"],
    },
  ]);
});

test("the header of a peer may be left out, and several peers stand on lines of their own", () => {
  const peers = parsePeers("\na=b,https://localhost/\n  c=d,http://localhost:1/x  \n");
  expect(peers.map(({ name, header }) => [name, header])).toEqual([
    ["a", undefined],
    ["c", undefined],
  ]);
  expect(parsePeers("")).toEqual([]);
});

test.each(["name", "name=command", "name=command,ftp://x", "=c,http://x/", "n=c,http://x/,header"])(
  "%s is no peer",
  (text) => {
    expect(() => parsePeers(text)).toThrow(/not of the form name=command,url,header/);
  },
);

test("only the variables that are known are put in", () => {
  expect(expand("http://h:$PORT/${KIND}/$OTHER/$", { PORT: "1", KIND: "tls" })).toBe(
    "http://h:1/tls/$OTHER/$",
  );
});

test("the command line names rows, and refuses those that there are not", () => {
  expect(parseCommandLine(["--quick", "a", "--json", "f"], ["a", "b"])).toEqual({
    kind: "run",
    choice: { isQuick: true, json: "f", rows: ["a"] },
  });
  expect(parseCommandLine(["--list"], [])).toEqual({ kind: "list" });
  expect(parseCommandLine(["-h", "x"], [])).toEqual({ kind: "help" });
  expect(() => parseCommandLine(["c"], ["a"])).toThrow("no such row: c");
  expect(() => parseCommandLine(["--slow"], [])).toThrow(/--slow/);
});
