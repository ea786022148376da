import { describeService, renewalOf, type ServiceRecord } from "../auth-strategies/service-definition.js";
import type { ServiceInfo } from "../auth-strategies/service-info.js";
import type { ControlPlaneParts } from "./control-plane.js";

const EXPIRING_SECONDS = 30 * 60;

/** How it stands with the access token of a service. */
export interface TokenState {
  /** Unix seconds; absent if there is no token yet. */
  readonly expires_at?: number;
  readonly token_status: "valid" | "expiring" | "expired";
}

type TokenStateParts = Pick<ControlPlaneParts, "tokenExpiryOf" | "clock">;

/** @returns undefined for a service whose credential does not expire */
export function tokenStateOf(record: ServiceRecord, parts: TokenStateParts): TokenState | undefined {
  if (record.unchecked === true || renewalOf(record) === undefined) return undefined;
  const expiresAt = parts.tokenExpiryOf(record.name);
  if (expiresAt === undefined) return { token_status: "expired" };
  const remaining = expiresAt - parts.clock() / 1000;
  const status = remaining <= 0 ? "expired" : remaining <= EXPIRING_SECONDS ? "expiring" : "valid";
  return { expires_at: expiresAt, token_status: status };
}

/** What is shown of a service, its access token's state included. */
export function serviceInfoOf(record: ServiceRecord, parts: TokenStateParts): ServiceInfo {
  return { ...describeService(record), ...tokenStateOf(record, parts) };
}
