import type { Policy } from "./policy-schema.js";

/** What the vault keeps of a policy, by its name. */
export interface PolicyRecord extends Policy {
  /** Counts its changes, from 1. */
  readonly version: number;
  /** RFC 3339, UTC. */
  readonly updated_at: string;
}
