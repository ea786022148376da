import { TOKEN_LIMITS } from "./token-limits.js";
import type { TokenRecord } from "./token-record.js";

/**
 * The tokens that one descends from, the nearest first.
 *
 * @returns undefined if one of them is no more, or if there are more than may be
 */
export function ancestorsOf(
  record: TokenRecord,
  find: (digest: string) => TokenRecord | undefined,
): TokenRecord[] | undefined {
  const ancestors: TokenRecord[] = [];
  for (let current = record; current.parent !== undefined;) {
    const parent = find(current.parent);
    if (parent === undefined || ancestors.length >= TOKEN_LIMITS.depth) return undefined;
    ancestors.push(parent);
    current = parent;
  }
  return ancestors;
}

/** The tokens that descend from one, those nearer to it first. */
export function descendantsOf(digest: string, records: Iterable<TokenRecord>): TokenRecord[] {
  const children = new Map<string, TokenRecord[]>();
  for (const record of records) {
    if (record.parent === undefined) continue;
    const siblings = children.get(record.parent) ?? [];
    siblings.push(record);
    children.set(record.parent, siblings);
  }
  const descendants: TokenRecord[] = [];
  const open = [digest];
  const seen = new Set(open);
  for (let current = open.shift(); current !== undefined; current = open.shift()) {
    for (const child of children.get(current) ?? []) {
      if (seen.has(child.digest)) continue;
      seen.add(child.digest);
      descendants.push(child);
      open.push(child.digest);
    }
  }
  return descendants;
}
