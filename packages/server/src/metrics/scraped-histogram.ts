import { Histogram, type Registry } from "prom-client";
import type { PlainHistogram } from "./plain-histogram.js";

export interface ScrapedHistogramOptions {
  readonly name: string;
  readonly help: string;
  readonly registry: Registry;
  /** Read at each scrape. */
  readonly histograms: () => Iterable<readonly [Readonly<Record<string, string>>, PlainHistogram]>;
}

/** A line as the registry prints it. */
interface PrintedValue {
  readonly metricName: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly sharedLabels: Readonly<Record<string, string>>;
  readonly value: number;
}

/** A histogram of a registry whose observations are counted elsewhere. */
export class ScrapedHistogram extends Histogram {
  readonly #options: ScrapedHistogramOptions;

  constructor(options: ScrapedHistogramOptions) {
    super({ name: options.name, help: options.help, registers: [options.registry] });
    this.#options = options;
  }

  /** What the registry asks each histogram for. */
  getForPromString(): Promise<{ name: string; help: string; type: "histogram"; values: PrintedValue[] }> {
    const { name, help, histograms } = this.#options;
    const values: PrintedValue[] = [];
    for (const [labels, histogram] of histograms()) {
      for (const { suffix, le, value } of histogram.lines()) {
        values.push({
          metricName: `${name}${suffix}`,
          labels: le === undefined ? {} : { le },
          // Printed once for all lines that have them.
          sharedLabels: labels,
          value,
        });
      }
    }
    return Promise.resolve({ name, help, type: "histogram", values });
  }
}
