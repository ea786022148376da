import { z } from "@hono/zod-openapi";

const count = z.int().min(0);
const bytes = z.number().min(0).openapi({ description: "Bytes." });
const seconds = z.number().min(0).openapi({ description: "Seconds." });
const time = z.iso.datetime().openapi({ description: "RFC 3339." });

/** What `GET /health` shows to admins beside what it shows to anyone. */
export const healthDetailsSchema = z
  .strictObject({
    started_at: time,
    uptime_seconds: seconds,
    unlocked_at: time.optional(),
    node_version: z.string(),
    memory: z.strictObject({ rss: bytes, heap_used: bytes, heap_total: bytes, external: bytes }),
    event_loop_lag: z
      .strictObject({ mean_seconds: seconds, max_seconds: seconds })
      .openapi({ description: "Of the last 30 to 60 seconds." }),
    services: count,
    tokens: count,
    policies: count,
    files: count,
    vault: z.strictObject({
      file_bytes: bytes.optional(),
      generation: count.openapi({ description: "Saves that led to what the vault holds." }),
      last_saved_at: time.optional(),
      backup_present: z.boolean().openapi({ description: "Whether `vault.enc.bak` is there." }),
    }),
    audit: z.strictObject({
      state: z.enum(["on", "off", "failing"]),
      file_bytes: bytes.optional(),
      queued_lines: count.optional(),
      queued_bytes: bytes.optional(),
      lost_entries: count.optional(),
    }),
    calls_running: count,
    connections_open: count,
    sessions_open: count,
    ssh_connections_open: count,
    refresh_failures: count.openapi({ description: "Of access tokens, since the server started." }),
  })
  .openapi("HealthDetails");

export type HealthDetails = z.infer<typeof healthDetailsSchema>;
