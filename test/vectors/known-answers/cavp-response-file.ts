/** One test of a response file (`.rsp`) of NIST's Cryptographic Algorithm Validation Program. */
export interface CavpTest {
  /** The parameters in brackets that hold for it, such as `IVlen`. */
  readonly parameters: ReadonlyMap<string, string>;
  /** Its own lines, such as `Key`; a value may be empty. */
  readonly values: ReadonlyMap<string, string>;
  /** Whether a bare `FAIL` stands in place of the result. */
  readonly fails: boolean;
}

/** @throws {Error} for a line that is no comment, parameter, value or `FAIL`, so that no test gets lost. */
export function parseCavpResponseFile(text: string): CavpTest[] {
  let parameters = new Map<string, string>();
  let previousIsParameter = false;
  const tests: { parameters: Map<string, string>; values: Map<string, string>; fails: boolean }[] = [];
  for (const line of text.split(/\r?\n/)) {
    if (line === "" || line.startsWith("#")) continue;
    const parameter = /^\[(\w+) = (\w+)\]$/.exec(line);
    if (parameter !== null) {
      // The first one of a run of them begins a section.
      if (!previousIsParameter) parameters = new Map();
      parameters.set(parameter[1]!, parameter[2]!);
      previousIsParameter = true;
      continue;
    }
    previousIsParameter = false;
    const value = /^(\w+) = ?(\w*)$/.exec(line);
    if (value?.[1] === "Count") tests.push({ parameters, values: new Map(), fails: false });
    const test = tests.at(-1);
    if (test !== undefined && value !== null) test.values.set(value[1]!, value[2]!);
    else if (test !== undefined && line === "FAIL") test.fails = true;
    else throw new Error(`not a line of a response file: ${line}`);
  }
  return tests;
}
