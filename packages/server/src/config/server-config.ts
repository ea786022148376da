import type { ListenAddress } from "./listen-address.js";

export const LOG_FORMATS = ["text", "json"] as const;
export const LOG_LEVELS = ["debug", "info", "warn", "error", "silent"] as const;

/** Everything that is decided before the server starts. */
export interface ServerConfig {
  readonly listen: ListenAddress;
  /** Absolute path. */
  readonly dataDir: string;
  readonly tokenTtlMs: number;
  /** Paths of PEM files; both or neither. */
  readonly tls: { readonly certPath: string; readonly keyPath: string } | undefined;
  readonly egressProxy: URL | undefined;
  /** Where TCP sessions listen: an address, and a range of ports unless any will do. */
  readonly sessions: {
    readonly host: string;
    readonly ports: { readonly first: number; readonly last: number } | undefined;
  };
  readonly allowedHosts: readonly string[];
  readonly passwordFile: string | undefined;
  /** Where systemd puts the credential with the password if the unit has one; undefined where {@link passwordFile} is given. */
  readonly passwordCredential: string | undefined;
  /** Absolute path of a command that is told of failed refreshes. */
  readonly onRefreshFailure: string | undefined;
  /** Processes that make calls; 1 for one process that does everything. */
  readonly workers: number;
  /** Whether `audit.jsonl` is written. */
  readonly audit: boolean;
  readonly logFormat: (typeof LOG_FORMATS)[number];
  readonly logLevel: (typeof LOG_LEVELS)[number];
}
