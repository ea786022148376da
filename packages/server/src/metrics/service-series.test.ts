import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  createServiceTable,
  NO_SERVICE,
  OTHER_SERVICES,
  ServiceSeries,
  type Plane,
} from "./service-series.js";

const labels = (table: ReturnType<typeof createServiceTable>): string[] =>
  [...table.entries()].map(([label]) => label);

describe("the series of services", () => {
  test("are of services that there are, whatever callers name", () => {
    const table = createServiceTable((name) => name === "api");
    const named = fc.oneof(fc.string(), fc.constantFrom("api", "__proto__", "_other", "_none"));
    fc.assert(
      fc.property(named, (name) => {
        table.of(name).ended("http", 200, undefined);
      }),
    );
    expect(labels(table).toSorted()).toEqual([NO_SERVICE, OTHER_SERVICES, "api"]);
  });

  test("are no more than the limit; what is above it is counted together", () => {
    const table = createServiceTable(() => true, 2);
    for (const name of ["a", "b", "c", "d", "a"]) table.of(name).ended("http", 200, undefined);
    const counts = [...table.entries()].map(([label, series]) => [label, series.calls()[0]?.value]);
    expect(counts).toEqual([
      ["a", 2],
      ["b", 1],
      [OTHER_SERVICES, 2],
      [NO_SERVICE, undefined],
    ]);
  });

  test("of a removed service go, and make room for another", () => {
    const present = new Set(["a"]);
    const table = createServiceTable((name) => present.has(name), 1);
    table.of("a").ended("http", 200, undefined);
    present.delete("a");
    present.add("b");
    table.refresh();
    expect(table.of("a")).not.toBe(table.of("b"));
    expect(labels(table)).toEqual(["b", OTHER_SERVICES, NO_SERVICE]);
  });

  test("keep no call that names no service with those of an unknown one", () => {
    const table = createServiceTable(() => false);
    expect(table.of(undefined)).not.toBe(table.of("x"));
  });
});

test("calls are told apart by plane, class of status and code", () => {
  const plane = fc.constantFrom<Plane>("http", "websocket", "ssh", "session");
  const status = fc.option(fc.integer({ min: 100, max: 599 }), { nil: undefined });
  const code = fc.constantFrom(undefined, "policy_denied" as const, "upstream_failed" as const);
  fc.assert(
    fc.property(fc.array(fc.tuple(plane, status, code)), (calls) => {
      const series = new ServiceSeries();
      const expected = new Map<string, number>();
      for (const [plane, status, code] of calls) {
        series.ended(plane, status, code);
        const statusClass = status === undefined ? "none" : `${String(status).slice(0, 1)}xx`;
        const key = `${plane} ${statusClass} ${code ?? "none"}`;
        expected.set(key, (expected.get(key) ?? 0) + 1);
      }
      const counted = series.calls().map((call) => [`${call.plane} ${call.status} ${call.code}`, call.value]);
      expect(Object.fromEntries(counted)).toEqual(Object.fromEntries(expected));
    }),
  );
});
