import { z } from "zod";
import { POLICY_LIMITS } from "./policy-limits.js";

/** What of a token's use has to outlast a restart; plain JSON. */
export const limiterStateSchema = z.strictObject({
  /** Calls that were let through while a limit of uses was set. */
  uses: z.int().min(0),
  /** Bytes of one day of UTC, counted from 1970-01-01. */
  bytes: z.strictObject({ day: z.int().min(0), count: z.int().min(0) }),
  /** When a rule with a cooldown was last used: its key, and Unix milliseconds; the oldest first. */
  cooldowns: z.array(z.tuple([z.string().max(64), z.number()])).max(POLICY_LIMITS.rememberedCooldowns),
  /** Calls of the latest minute while a limit of requests per minute was set: Unix milliseconds, and how many. */
  minute: z.array(z.tuple([z.number(), z.int().min(1)])).optional(),
});

export type LimiterState = z.output<typeof limiterStateSchema>;

export const UNUSED: LimiterState = { uses: 0, bytes: { day: 0, count: 0 }, cooldowns: [] };
