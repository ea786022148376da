import type { ServerResponse } from "node:http";
import type { OpenAPIHono } from "@hono/zod-openapi";
import type { Context } from "hono";
import type { ServiceRecord } from "../auth-strategies/service-definition.js";
import type { Logins } from "../oauth2-flow/logins.js";
import type { OwnAddress } from "../oauth2-flow/redirect-uri.js";
import type { Logger } from "../redaction/logger.js";
import type { SshCalls } from "../ssh/ssh-calls.js";
import type { SessionRegistry } from "../tcp-sessions/session-registry.js";
import type { TokenRecord } from "../tokens/token-record.js";
import type { TokenRegistry } from "../tokens/token-registry.js";
import type { Collection, Vault } from "../vault/vault.js";
import type { HealthDetails } from "./health-details.js";
import type { ControlPlaneAudit } from "./control-plane-audit.js";

/** What the middleware leaves for the handlers of a request. */
export interface ControlPlaneEnv {
  Variables: {
    /** The token that the request was authenticated with. */
    token: TokenRecord;
    /** What the caller says the request is for. */
    justification: string;
    /** Monotonic milliseconds. */
    startedAt: number;
    /** Something was recorded of the request already. */
    isRecorded: boolean;
  };
}

export type ControlPlaneApp = OpenAPIHono<ControlPlaneEnv>;

export type ControlPlaneLog = Pick<Logger, "info" | "warn" | "error">;

/** All that the control plane stands on; `create-server` gives it. */
export interface ControlPlaneParts {
  readonly vault: Vault;
  readonly audit: ControlPlaneAudit;
  readonly tokens: TokenRegistry;
  readonly services: Collection<ServiceRecord>;
  /** Saves what would be lost by a lock, as far as it can in a moment. Never rejects. */
  readonly beforeLock: () => Promise<void>;
  /** When the access token of a service ends, in unix seconds; undefined if it has none. */
  readonly tokenExpiryOf: (service: string) => number | undefined;
  readonly logins: Logins;
  readonly sessions: SessionRegistry;
  readonly ssh: SshCalls;
  readonly metrics: {
    /** In the text format of Prometheus. */
    text(): Promise<string>;
    readonly contentType: string;
  };
  /** What admins see of the server. Only to be called while the vault is unlocked. */
  readonly healthDetails: () => Promise<HealthDetails>;
  /** The server's version, as `GET /health` and the OpenAPI document show it. */
  readonly version: string;
  /** How long a token lives when its request does not say, in milliseconds. */
  readonly tokenTtlMs: number;
  /** Milliseconds since the epoch. */
  readonly clock: () => number;
  readonly log: ControlPlaneLog;
  /** The key by which the lock-out counts failed unlocks of this request's sender. */
  readonly callerOf: (c: Context) => Promise<string>;
  /** The user whose process sent this request, by number, if that can be told. */
  readonly userIdOf: (c: Context) => Promise<number | undefined>;
  /** The address that this request came from, or its user. */
  readonly clientOf: (c: Context) => string;
  /** How the vault is reached by this request; undefined if by a unix socket. */
  readonly addressOf: (c: Context) => OwnAddress | undefined;
  /** The listener's id of this request, sent back as `X-Vault-Request-Id`. */
  readonly requestIdOf: (c: Context) => string;
  /** Where the answer to this request goes; for answers that are streamed past the framework. */
  readonly responseOf: (c: Context) => ServerResponse;
  /** Lets the body of this request take as long as an upload may. */
  readonly allowUpload: (c: Context) => void;
}
