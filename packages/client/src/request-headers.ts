import { invalidRequest } from "./errors.js";

export type HeaderList = Headers | Readonly<Record<string, string>> | Iterable<readonly [string, string]>;

/** RFC 9110 §5.1 and §5.5. */
const FIELD_NAME = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/;
const FIELD_VALUE = /^[\t\x20-\x7e\x80-\xff]*$/;

/** Checked here because the platform's own errors repeat the value, which may be a secret. */
export function headerPairs(list: HeaderList | undefined): (readonly [string, string])[] {
  if (list === undefined) return [];
  const entries =
    Symbol.iterator in list ? [...(list as Iterable<readonly [string, string]>)] : Object.entries(list);
  return entries.map(([name, value]) => {
    if (!FIELD_NAME.test(name)) throw invalidRequest("a header's name is not legal in HTTP");
    if (!FIELD_VALUE.test(value))
      throw invalidRequest(`the value of the header ${name} is not legal in HTTP`);
    return [name, value.trim()] as const;
  });
}

export function hasHeader(headers: readonly (readonly [string, string])[], name: string): boolean {
  return headers.some(([present]) => present.toLowerCase() === name);
}
