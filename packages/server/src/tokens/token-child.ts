import { VaultProxyError } from "../errors/vault-proxy-error.js";
import { TOKEN_LIMITS } from "./token-limits.js";
import type { TokenRecord } from "./token-record.js";
import { ancestorsOf, descendantsOf } from "./token-tree.js";

/**
 * Whether a token may have one child more.
 * @throws VaultProxyError `forbidden` for one generation too many, `conflict` for too many at a time
 */
export function assertMayHaveChild(
  parent: TokenRecord,
  records: ReadonlyMap<string, TokenRecord>,
  isExpired: (record: TokenRecord) => boolean,
): void {
  const ancestors = ancestorsOf(parent, (digest) => records.get(digest)) ?? [];
  if (ancestors.length >= TOKEN_LIMITS.depth) {
    throw new VaultProxyError(
      "forbidden",
      `a token that is ${TOKEN_LIMITS.depth} generations from an admin's can have no children`,
    );
  }
  const first = ancestors.at(-1) ?? parent;
  const valid = descendantsOf(first.digest, records.values()).filter((record) => !isExpired(record));
  if (valid.filter((record) => record.parent === parent.digest).length >= TOKEN_LIMITS.children) {
    throw new VaultProxyError("conflict", `a token can have ${TOKEN_LIMITS.children} valid children at most`);
  }
  if (valid.length >= TOKEN_LIMITS.descendants) {
    throw new VaultProxyError(
      "conflict",
      `${TOKEN_LIMITS.descendants} valid tokens at most can descend from one token`,
    );
  }
}
