type Headers = Readonly<Record<string, string>>;

/** The headers of both; of a name in both, the second's. Names are the same in any letter case (RFC 9110 §5.1). */
export function mergedHeaders(first: Headers | undefined, second: Headers | undefined): Headers | undefined {
  if (first === undefined || second === undefined) return first ?? second;
  const taken = new Set(Object.keys(second).map((name) => name.toLowerCase()));
  const kept = Object.entries(first).filter(([name]) => !taken.has(name.toLowerCase()));
  return { ...Object.fromEntries(kept), ...second };
}
