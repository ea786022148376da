import type { PolicyRecord } from "../policies/policy-record.js";
import type { Collection, Vault } from "../vault/vault.js";

/** The policies that the vault keeps, by name. */
export function policiesOf({ vault }: { readonly vault: Vault }): Collection<PolicyRecord> {
  return vault.collection<PolicyRecord>("policies");
}
