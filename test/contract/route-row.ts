import type { VaultClient } from "@vault-proxy/client";
import type { PythonCall } from "./python-client.js";

/** Whose token a route takes: of scope `admin` or `proxy` (`any`), of one scope alone, or of `metrics` and `admin`. */
export type Access = "none" | "any" | "admin" | "proxy" | "metrics";

/** What the calls of one pass over the table share. Each pass has names of its own, so that none sees another's things. */
export interface World {
  /** `raw`, `typescript` or `python`. */
  readonly pass: string;
  readonly address: string;
  /** An HTTPS API: it echoes calls, and is the provider of logins. */
  readonly upstream: string;
  readonly upstreamCa: string;
  /** The key as `ssh-keyscan` prints it, and the folder of who logs in. */
  readonly sshd: { readonly hostKey: string; readonly home: string };
  password: string;
  readonly tokens: Record<"admin" | "proxy" | "metrics", string>;
  /** What an answer told and a later call needs: ids, states. */
  readonly kept: Map<string, string>;
}

export interface RawRequest {
  /** Path and query. */
  readonly target: string;
  readonly json?: unknown;
  /** Multipart: names and texts; a Blob is a file. */
  readonly form?: Readonly<Record<string, string | Blob>>;
  readonly headers?: Readonly<Record<string, string>>;
}

export interface MainError {
  readonly name: string;
  readonly request: (world: World) => RawRequest;
  readonly status: number;
  readonly code: string;
}

/** One route of the contract: how it is called by hand and by both SDKs, and what comes of it. */
export interface RouteRow {
  /** As the OpenAPI document writes it. */
  readonly route: string;
  readonly access: Access;
  readonly opensWhileLocked?: true;
  /** Which token makes the call that succeeds. Default: an admin's, or the one of the scope that `access` names. */
  readonly as?: "admin" | "proxy" | "metrics";
  /** The same for a token that was kept, by its key. */
  readonly asKept?: string;
  readonly request: (world: World) => RawRequest;
  readonly status: number;
  /** A matcher of the answer: its JSON, or its text if it is none. */
  readonly answers: unknown;
  /** Refused for what is in it, after everything else: with 400 and this in the message. */
  readonly faulty?: {
    readonly request: (world: World) => RawRequest;
    readonly names: string;
    readonly status?: number;
  };
  readonly errors?: readonly MainError[];
  readonly typescript: (client: VaultClient, world: World) => Promise<unknown>;
  /** Undefined for what is not for programs: it is called by hand then. */
  readonly python?: (world: World) => PythonCall;
  /** A matcher of what the SDKs give. Default: as `answers`. */
  readonly gives?: unknown;
  /** For Python, where it gives something else than the TypeScript client. */
  readonly givesInPython?: unknown;
  /** Notes down what later calls need. */
  readonly keep?: (answer: unknown, world: World) => void;
}

/** A field of an answer, of which matchers have said already that it is there. */
export function textOf(answer: unknown, field: string): string {
  const value = (answer as Record<string, unknown>)[field];
  if (typeof value !== "string") throw new Error(`the answer has no ${field}`);
  return value;
}

export function kept(world: World, key: string): string {
  const value = world.kept.get(key);
  if (value === undefined) throw new Error(`no ${key} was kept: rows depend on those before them`);
  return value;
}
