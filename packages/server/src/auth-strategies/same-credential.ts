import { isDeepStrictEqual } from "node:util";
import { inputOf } from "./imported-service.js";
import { renewalOf, type ServiceRecord } from "./service-definition.js";

/** Whether two records of a service hold one credential: only what the server keeps itself may differ. */
export function isSameCredential(one: ServiceRecord, other: ServiceRecord): boolean {
  return one === other || isDeepStrictEqual(credentialOf(one), credentialOf(other));
}

/** A changed record with the access token of the stored one, if its credential is still the same. */
export function withTokenOf(stored: ServiceRecord, changed: ServiceRecord): ServiceRecord {
  const kept = keptFieldsOf(stored);
  const isGiven = Object.keys(changed.auth).some((field) => kept.has(field));
  if (kept.size === 0 || isGiven || !isSameCredential(stored, changed)) return changed;
  const token = Object.entries(stored.auth).filter(([field]) => kept.has(field));
  return { ...changed, auth: { ...changed.auth, ...Object.fromEntries(token) } };
}

/** Whether one record is the other after a token refresh. */
export function differsInTokenOnly(one: ServiceRecord, other: ServiceRecord): boolean {
  const { keptFields = [], refreshTokenField } = renewalOf(one) ?? {};
  if (keptFields.length === 0) return false;
  const changing = new Set([...keptFields, refreshTokenField]);
  const rest = (record: ServiceRecord): unknown => {
    const fields = Object.entries(record.auth).filter(([field]) => !changing.has(field));
    return inputOf({ ...record, auth: Object.fromEntries(fields) });
  };
  return isDeepStrictEqual(rest(one), rest(other));
}

/**
 * Whether what goes out for one record may carry the token of the other: one destination, and one credential but for
 * what a token refresh changes.
 */
export function sharesTokens(one: ServiceRecord, other: ServiceRecord): boolean {
  if (one === other) return true;
  const { refreshTokenField } = renewalOf(one) ?? {};
  const bound = (record: ServiceRecord): object => {
    const fields = Object.entries(record.auth).filter(([field]) => field !== refreshTokenField);
    const { auth: _, ...rest } = record;
    return {
      ...credentialOf({ ...rest, auth: { ...Object.fromEntries(fields), type: record.auth.type } }),
      base_url: record.base_url,
    };
  };
  return isDeepStrictEqual(bound(one), bound(other));
}

function credentialOf(record: ServiceRecord): object {
  const { auth, allow_private, tls_skip_verify, tls_ca } = record;
  const kept = keptFieldsOf(record);
  const fields = Object.entries(auth).filter(([field, value]) => !kept.has(field) && value !== undefined);
  return {
    auth: inputOf(Object.fromEntries(fields)),
    destination: [allow_private, tls_skip_verify, tls_ca],
  };
}

function keptFieldsOf(record: ServiceRecord): ReadonlySet<string> {
  return new Set(renewalOf(record)?.keptFields);
}
