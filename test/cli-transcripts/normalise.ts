/** What differs from run to run, by its form; in this order. */
const FORMS: readonly (readonly [RegExp, string])[] = [
  [/tok_[\w-]{43}/g, "{token}"],
  [/tok_[\w-]{6,12}\.\.\./g, "{token-prefix}..."],
  [/tok_[\w-]{8}(?![\w-])/g, "{token-prefix}"],
  [/\b(?:ses|flow)_[\w-]{16,}/g, "{id}"],
  [/\b(state|code_challenge)=[\w-]{43}/g, "$1={random}"],
  [/("state": )"[\w-]{43}"/g, '$1"{random}"'],
  [/\b(?:[0-9A-Z]{4}-){8}[0-9A-Z]{4}\b/g, "{recovery-key}"],
  [/\b[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\b/g, "{request-id}"],
  [/\b[0-9a-f]{32}\b/g, "{id}"],
  [/\d{4}-\d\d-\d\d[T ]\d\d:\d\d(?::\d\d)?(?:\.\d+)?(?:Z|[+-]\d\d:\d\d| UTC)?/g, "{time}"],
  [/\w{3}, \d\d \w{3} \d{4} \d\d:\d\d:\d\d GMT/g, "{time}"],
  [/\b\d\d:\d\d:\d\d\b/g, "{time}"],
  [/SHA256:[A-Za-z0-9+/]{43}/g, "SHA256:{fingerprint}"],
  [/ssh-ed25519 AAAA[A-Za-z0-9+/=]+/g, "ssh-ed25519 {key}"],
  [/(127\.0\.0\.1(?::|%3A))\d{2,5}\b/g, "$1{port}"],
  [/(_PORT=')\d+/g, "$1{port}"],
  [/("(?:ms|seq|duration_ms|[a-z_]*bytes[a-z_]*)": ?)\d+/g, "$1{n}"],
  [/\b(pid|generation:?|generation) \d+/g, "$1 {n}"],
  [/\b\d[\d,]*(?:\.\d+)? (ms|s|bytes|kB|KB|MB|KiB)\b/g, "{n} $1"],
  // Whether those that have ended are swept already depends on the time that all takes.
  [/(\b\d+ files, )\d+ tokens\b/g, "$1{n} tokens"],
  [/\b\d+ lines, number 1 to \d+/g, "{n} lines, number 1 to {n}"],
  [/(?<![\d.])\d+\.\d+\.\d+(?![\d.])/g, "{version}"],
];

/** @param values what stands for what, such as `{home}` for a folder of this run */
export function normalise(text: string, values: ReadonlyMap<string, string>): string {
  let result = text;
  const longestFirst = [...values].sort(([, one], [, other]) => other.length - one.length);
  for (const [key, value] of longestFirst) {
    if (value.length >= 4) result = result.replaceAll(value, `{${key}}`);
  }
  for (const [form, stand] of FORMS) result = result.replace(form, stand);
  return result;
}

/** Puts the values of this run in the place of their names. */
export function fillIn(text: string, values: ReadonlyMap<string, string>): string {
  return text.replace(/\{([a-z][a-z0-9-]*)\}/g, (whole, key: string) => values.get(key) ?? whole);
}
