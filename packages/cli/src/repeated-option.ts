import { UsageError } from "./failures.js";

/** For options that may be repeated: every value, in order. */
export function collect(value: string, previous: readonly string[] = []): string[] {
  return [...previous, value];
}

/** `NAME=VALUE` of repeated options; undefined where none was given. @param option its name, for the message */
export function namedValues(
  option: string,
  values: readonly string[] | undefined,
): Record<string, string> | undefined {
  if (values === undefined) return undefined;
  return Object.fromEntries(
    values.map((value) => {
      const equals = value.indexOf("=");
      if (equals <= 0)
        throw new UsageError(`${option} takes a name and a value`, `write ${option} name=value`);
      return [value.slice(0, equals), value.slice(equals + 1)];
    }),
  );
}
