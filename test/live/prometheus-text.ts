/** A sample of a metric: its labels in the order of their names, and its value. */
export interface Sample {
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
}

/** A metric as the text has it, with everything that belongs to it. */
export interface Family {
  readonly type: string;
  readonly help: string;
  readonly samples: Sample[];
}

const SAMPLE = /^([a-zA-Z_:][a-zA-Z0-9_:]*)(?:\{(.*)\})? (\S+)$/;
const LABEL = /([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\]|\\["\\n])*)"(,|$)/y;
const SUFFIXES: Readonly<Record<string, readonly string[]>> = {
  histogram: ["_bucket", "_sum", "_count"],
  summary: ["", "_sum", "_count"],
};

/**
 * Reads Prometheus's text format, version 0.0.4, strictly: each sample below its own HELP and TYPE, none twice, histograms
 * whole, and nothing that is no number.
 */
export function parsePrometheusText(text: string): Map<string, Family> {
  if (!text.endsWith("\n")) throw new Error("the last line does not end");
  const families = new Map<string, Family>();
  const seen = new Set<string>();
  let help: [string, string] | undefined;
  let current: [string, Family] | undefined;
  for (const line of text.split("\n")) {
    if (line === "") continue;
    const comment = /^# (HELP|TYPE) (\S+) (.+)$/.exec(line);
    if (comment?.[1] === "HELP") {
      help = [comment[2] ?? "", comment[3] ?? ""];
    } else if (comment !== null) {
      const name = comment[2] ?? "";
      if (help?.[0] !== name || families.has(name))
        throw new Error(`TYPE without its HELP, or twice: ${line}`);
      current = [name, { type: comment[3] ?? "", help: help[1], samples: [] }];
      families.set(...current);
    } else {
      const sample = parseSample(line);
      if (current === undefined || !belongsTo(sample.name, ...current))
        throw new Error(`stray sample: ${line}`);
      const identity = JSON.stringify([sample.name, Object.entries(sample.labels).toSorted()]);
      if (seen.has(identity)) throw new Error(`twice: ${line}`);
      seen.add(identity);
      current[1].samples.push(sample);
    }
  }
  for (const [name, { type, samples }] of families) if (type === "histogram") checkHistogram(name, samples);
  return families;
}

function belongsTo(sample: string, name: string, { type }: Family): boolean {
  return (SUFFIXES[type] ?? [""]).some((suffix) => sample === name + suffix);
}

function parseSample(line: string): Sample {
  const [, name = "", labelText = "", valueText = ""] = SAMPLE.exec(line) ?? [];
  const value = valueText === "+Inf" ? Infinity : Number(valueText);
  if (name === "" || Number.isNaN(value)) throw new Error(`no sample: ${line}`);
  const labels: Record<string, string> = {};
  LABEL.lastIndex = 0;
  while (LABEL.lastIndex < labelText.length) {
    const [, label = "", escaped = ""] = LABEL.exec(labelText) ?? [];
    if (label === "" || label in labels) throw new Error(`bad labels: ${line}`);
    labels[label] = escaped.replace(/\\(.)/g, (_, character: string) =>
      character === "n" ? "\n" : character,
    );
  }
  return { name, labels, value };
}

function checkHistogram(name: string, samples: readonly Sample[]): void {
  const series = groupBy(samples);
  for (const [key, lines] of series) {
    const buckets = lines.filter((line) => line.name === `${name}_bucket`);
    const count = lines.find((line) => line.name === `${name}_count`)?.value;
    const bounds = buckets.map(({ labels }) => (labels.le === "+Inf" ? Infinity : Number(labels.le)));
    const rises = (values: readonly number[]): boolean =>
      values.every((value, index) => index === 0 || value >= (values[index - 1] ?? 0));
    const isWhole = bounds.at(-1) === Infinity && buckets.at(-1)?.value === count;
    if (!isWhole || !rises(bounds) || !rises(buckets.map(({ value }) => value))) {
      throw new Error(`not a histogram: ${name} ${key}`);
    }
  }
}

function keyOf({ labels: { le: _, ...labels } }: Sample): string {
  return JSON.stringify(Object.entries(labels).toSorted());
}

function groupBy(samples: readonly Sample[]): Map<string, Sample[]> {
  const groups = new Map<string, Sample[]>();
  for (const sample of samples) groups.set(keyOf(sample), [...(groups.get(keyOf(sample)) ?? []), sample]);
  return groups;
}

/** The sum of the samples that have these labels; 0 for none. */
export function valueOf(
  families: ReadonlyMap<string, Family>,
  name: string,
  labels: Readonly<Record<string, string>> = {},
): number {
  const family = families.get(name) ?? families.get(name.replace(/_(?:bucket|sum|count)$/, ""));
  if (family === undefined) throw new Error(`no metric ${name}`);
  return family.samples
    .filter((sample) => sample.name === name)
    .filter((sample) => Object.entries(labels).every(([label, value]) => sample.labels[label] === value))
    .reduce((sum, { value }) => sum + value, 0);
}
