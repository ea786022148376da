/** What is known of the records in a vault by what was asked of it and what it answered. */
export interface ExpectedRecords {
  /** The version last known to be there, or undefined if the record is known to be absent. */
  version(key: string): number | undefined;
  keys(): readonly string[];
  /** A change was sent: to that version, or to absence. Until it is acknowledged both states are right. */
  sent(key: string, version: number | undefined): void;
  acknowledged(key: string): void;
  /**
   * Compares with what is there now, which from now on is what is expected.
   *
   * @returns what is not as it must be, a sentence each.
   */
  settle(found: ReadonlyMap<string, number>): string[];
}

interface Expectation {
  version: number | undefined;
  inFlight?: { readonly version: number | undefined };
}

/** One change of a record at a time: who sends a second before the first is answered makes it unknowable. */
export function expectedRecords(): ExpectedRecords {
  const expectations = new Map<string, Expectation>();
  return {
    version: (key) => expectations.get(key)?.version,
    keys: () => [...expectations].filter(([, { version }]) => version !== undefined).map(([key]) => key),

    sent(key, version) {
      const expectation = expectations.get(key) ?? { version: undefined };
      if (expectation.inFlight !== undefined) throw new Error(`two changes of ${key} at once`);
      expectations.set(key, { ...expectation, inFlight: { version } });
    },

    acknowledged(key) {
      expectations.set(key, { version: expectations.get(key)?.inFlight?.version });
    },

    settle(found) {
      const wrong: string[] = [];
      for (const key of new Set([...expectations.keys(), ...found.keys()])) {
        const { version, inFlight } = expectations.get(key) ?? { version: undefined };
        const right = inFlight === undefined ? [version] : [version, inFlight.version];
        const now = found.get(key);
        if (!right.includes(now)) {
          wrong.push(`${key}: expected ${right.map(named).join(" or ")}, found ${named(now)}`);
        }
        expectations.set(key, { version: now });
      }
      return wrong;
    },
  };
}

function named(version: number | undefined): string {
  return version === undefined ? "nothing" : `version ${version}`;
}
