import { sizeText } from "../errors/size-text.js";
import { VaultProxyError } from "../errors/vault-proxy-error.js";
import { TOKEN_LIMITS } from "./token-limits.js";
import type { TokenRecord } from "./token-record.js";
import { ancestorsOf, descendantsOf } from "./token-tree.js";

/** @throws VaultProxyError `invalid_request` for a policy of the token's own that is too large */
export function assertRulesFit(record: TokenRecord): void {
  const most = record.parent === undefined ? TOKEN_LIMITS.rulesBytes : TOKEN_LIMITS.childRulesBytes;
  if (rulesBytes(record) <= most) return;
  throw new VaultProxyError("invalid_request", `policy: must have at most ${sizeText(most)} as JSON`);
}

function rulesBytes({ rules }: TokenRecord): number {
  return rules === undefined ? 0 : Buffer.byteLength(JSON.stringify(rules));
}

/**
 * Whether a token may have one child more.
 * @throws VaultProxyError `forbidden` for one generation too many, `conflict` for too many at a time or too large policies
 */
export function assertMayHaveChild(
  parent: TokenRecord,
  child: TokenRecord,
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
  if (
    child.rules !== undefined &&
    [child, ...valid].reduce((sum, each) => sum + rulesBytes(each), 0) > TOKEN_LIMITS.treeRulesBytes
  ) {
    throw new VaultProxyError(
      "conflict",
      `the policies of the tokens that descend from one token can have ${sizeText(TOKEN_LIMITS.treeRulesBytes)} in all`,
    );
  }
}
