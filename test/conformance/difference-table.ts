import type { ConformanceCase, Outcome } from "./conformance-case.js";

/** Where a control does something else than the vault, and why the vault does what it does. By the case's name. */
export type Differences = Readonly<Record<string, Difference>>;

export interface Difference {
  /** Absent where it is as at the vault. */
  readonly nginx?: Outcome;
  readonly haproxy?: Outcome;
  readonly why: string;
}

/** The rows of the table in docs/http.md, cells without padding. Cases with the same outcomes and reason share one. */
export function renderDifferences(cases: readonly ConformanceCase[], differences: Differences): string[] {
  const rows = new Map<string, string[]>();
  for (const { name, vault } of cases) {
    const difference = differences[name];
    if (difference === undefined) continue;
    const { nginx, haproxy, why } = difference;
    const outcomes = [
      text(vault),
      ...[nginx, haproxy].map((each) => (each === undefined ? "same" : text(each))),
    ];
    const key = [...outcomes, why].join(" | ");
    rows.set(key, [...(rows.get(key) ?? []), name]);
  }
  return [...rows].map(([cells, names]) => `| ${joinNames(names)} | ${cells} |`.replaceAll(/ +/g, " "));
}

/** `a: refused` and `b: refused` are `a; b: refused`. */
function joinNames(names: readonly string[]): string {
  const common = /: [^:]*$/.exec(names[0] ?? "")?.[0] ?? "";
  if (!names.every((name) => name.endsWith(common))) return names.join("; ");
  return names.map((name) => name.slice(0, name.length - common.length)).join("; ") + common;
}

/** The rows of a table in a page, cells without the padding that the formatter adds. */
export function rowsBelow(page: string, heading: string): string[] {
  const section = page.slice(page.indexOf(`${heading}\n`) + heading.length).split(/^## /m)[0] ?? "";
  const lines = section.split("\n").filter((line) => line.startsWith("|"));
  return lines.slice(2).map((line) => line.replaceAll(/ +/g, " "));
}

function text(outcome: Outcome): string {
  return Object.entries(outcome)
    .map(([what, value]) => `${what}: ${valueText(value)}`)
    .join(", ");
}

function valueText(value: Outcome[string]): string {
  if (typeof value === "boolean") return value ? "yes" : "no";
  if (typeof value === "string") return value === "" ? "none" : value;
  if (typeof value === "number") return String(value);
  return value.length === 0 ? "none" : value.join(" and ");
}
