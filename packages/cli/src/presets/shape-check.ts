/** What is wrong with a value, one sentence each; none if nothing is. `at` is the value's path. */
export type ShapeCheck = (value: unknown, at: string) => string[];

export const text: ShapeCheck = (value, at) =>
  typeof value === "string" && value.trim() === value && value !== "" ? [] : [`${at}: no text`];

export function matching(pattern: RegExp, what: string): ShapeCheck {
  return (value, at) => (typeof value === "string" && pattern.test(value) ? [] : [`${at}: not ${what}`]);
}

export function oneOf(...allowed: readonly unknown[]): ShapeCheck {
  return (value, at) => (allowed.includes(value) ? [] : [`${at}: none of ${allowed.join(", ")}`]);
}

export function anyOf(...checks: readonly ShapeCheck[]): ShapeCheck {
  return (value, at) => {
    const problems = checks.map((check) => check(value, at));
    return problems.some((found) => found.length === 0) ? [] : (problems[0] ?? []);
  };
}

export const positiveInteger: ShapeCheck = (value, at) =>
  Number.isSafeInteger(value) && Number(value) > 0 ? [] : [`${at}: no positive whole number`];

export const flag: ShapeCheck = (value, at) =>
  typeof value === "boolean" ? [] : [`${at}: neither true nor false`];

/** One at least, none twice. */
export function listOf(check: ShapeCheck): ShapeCheck {
  return (value, at) => {
    if (!Array.isArray(value) || value.length === 0) return [`${at}: no list`];
    const items = value as unknown[];
    return [
      ...items.flatMap((item, index) => check(item, `${at}[${index}]`)),
      ...(new Set(items).size < items.length ? [`${at}: has something twice`] : []),
    ];
  };
}

/** One at least. */
export function mapOf(key: ShapeCheck, check: ShapeCheck): ShapeCheck {
  return (value, at) => {
    if (!isMap(value) || Object.keys(value).length === 0) return [`${at}: no map`];
    return Object.entries(value).flatMap(([name, item]) => [
      ...key(name, `${at}.${name}`),
      ...check(item, `${at}.${name}`),
    ]);
  };
}

/** A map with these fields and no others. */
export function fields(
  required: Readonly<Record<string, ShapeCheck>>,
  optional: Readonly<Record<string, ShapeCheck>> = {},
): ShapeCheck {
  const known = new Map(Object.entries({ ...required, ...optional }));
  return (value, at) => {
    if (!isMap(value)) return [`${at}: no map`];
    return [
      ...Object.keys(required)
        .filter((name) => !(name in value))
        .map((name) => `${at}.${name}: missing`),
      ...Object.entries(value).flatMap(([name, item]) => {
        const check = known.get(name);
        return check === undefined ? [`${at}.${name}: unknown`] : check(item, `${at}.${name}`);
      }),
    ];
  };
}

function isMap(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
