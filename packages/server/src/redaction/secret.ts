import { inspect } from "node:util";

const REDACTED = "[redacted]";

/**
 * A string that cannot be printed: JSON, `util.inspect`, template strings and concatenation all show `[redacted]`.
 * Only {@link Secret.reveal} gives the value; a search for that word finds every place that uses one.
 */
export class Secret {
  readonly #value: string;

  constructor(value: string) {
    this.#value = value;
  }

  reveal(): string {
    return this.#value;
  }

  get isEmpty(): boolean {
    return this.#value === "";
  }

  toJSON(): string {
    return REDACTED;
  }

  toString(): string {
    return REDACTED;
  }

  [Symbol.toPrimitive](): string {
    return REDACTED;
  }

  [inspect.custom](): string {
    return REDACTED;
  }
}
