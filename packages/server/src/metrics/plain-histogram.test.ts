import fc from "fast-check";
import { Histogram, Registry } from "prom-client";
import { expect, test } from "vitest";
import { PlainHistogram } from "./plain-histogram.js";
import { ScrapedHistogram } from "./scraped-histogram.js";

const BOUNDS = [0.001, 0.01, 0.1, 1];

test("prints what a histogram of the library prints", async () => {
  const seconds = fc.oneof(fc.constantFrom(0, ...BOUNDS), fc.double({ min: 0, max: 5, noNaN: true }));
  await fc.assert(
    fc.asyncProperty(fc.array(seconds), async (observations) => {
      const options = { name: "seconds", help: "Seconds.", labelNames: ["service"], buckets: BOUNDS };
      const theirs = new Registry();
      const reference = new Histogram({ ...options, registers: [theirs] });
      reference.zero({ service: "a" });
      const ours = new Registry();
      const plain = new PlainHistogram(BOUNDS);
      new ScrapedHistogram({ ...options, registry: ours, histograms: () => [[{ service: "a" }, plain]] });
      for (const value of observations) {
        reference.observe({ service: "a" }, value);
        plain.observe(value);
      }
      const lines = (text: string): string[] =>
        text
          .split("\n")
          .map((line) => line.replace(/\{(le="[^"]*"),(service="a")\}/, "{$2,$1}"))
          .toSorted();
      expect(lines(await ours.metrics())).toEqual(lines(await theirs.metrics()));
    }),
    { numRuns: 50 },
  );
});

test("takes a clock that stepped back for no time", () => {
  const histogram = new PlainHistogram(BOUNDS);
  histogram.observe(-1);
  histogram.observe(Number.NaN);
  expect(histogram.lines()).toContainEqual({ suffix: "_sum", value: 0 });
  expect(histogram.count).toBe(2);
});
