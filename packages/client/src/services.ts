import type { HttpAuthDefinition, ServerAuthDefinition } from "./auth-definition.js";
import {
  arrayAnswer,
  objectAnswer,
  optionalNumberField,
  optionalStringFields,
  optionalStringListField,
  stringField,
} from "./answer.js";
import { VaultError } from "./errors.js";
import { proxy } from "./proxy.js";
import { pathSegment } from "./request-target.js";
import type { CallOptions } from "./call.js";
import type { Transport } from "./transport.js";

/** What a service has beside its name and its credential. Durations are written as in Go: `10s`, `5m`. */
export interface ServiceSettings {
  /** Required for types that HTTP calls are for. */
  readonly base_url?: string | undefined;
  readonly tls_skip_verify?: boolean | undefined;
  /** Keep the cookies that the API sets, in memory, and send them on later calls, whoever makes them. */
  readonly session_cookies?: boolean | undefined;
  /** Allow http and private addresses. */
  readonly allow_private?: boolean | undefined;
  /** PEM certificates to trust for this service. */
  readonly tls_ca?: string | undefined;
  /** Constant headers that are no secrets. */
  readonly headers?: Readonly<Record<string, string>> | undefined;
  /** Pass on a caller's `Cookie`. Not together with `session_cookies`. */
  readonly forward_cookies?: boolean | undefined;
  /** Whether the service's secrets are overwritten where they stand in an answer. Default `on`. */
  readonly scrub?: "on" | "off" | undefined;
  readonly connect_timeout?: string | undefined;
  readonly response_timeout?: string | undefined;
  readonly idle_timeout?: string | undefined;
  /** 0: no limit. */
  readonly max_request_bytes?: number | undefined;
  readonly description?: string | undefined;
  /** Of a session, at most; also what it has unless it is opened with fewer. Default 1. */
  readonly max_connections?: number | undefined;
  /** Whether clients of sessions must log in with the password that the opening answers. */
  readonly require_password?: boolean | undefined;
  /** Whether processes of other users of the machine may connect to sessions. */
  readonly any_local_user?: boolean | undefined;
}

/** An HTTP API. */
export interface HttpServiceDefinition extends ServiceSettings {
  readonly name: string;
  readonly base_url: string;
  readonly auth: HttpAuthDefinition;
}

/** A mailbox, database or SSH server. */
export interface ServerServiceDefinition extends ServiceSettings {
  readonly name: string;
  readonly base_url?: undefined;
  readonly auth: ServerAuthDefinition;
}

export type ServiceDefinition = HttpServiceDefinition | ServerServiceDefinition;

/** What `updateService` takes: the name stands in its call already. */
export type UnnamedServiceDefinition =
  Omit<HttpServiceDefinition, "name"> | Omit<ServerServiceDefinition, "name">;

/**
 * A change of a service (RFC 7396): what is left out stays, the secrets too, and null takes a field away. `auth` holds
 * fields of the service's auth type; with another `type`, all that that one wants.
 */
export type ServicePatch = {
  readonly [Field in keyof ServiceSettings]?: Nullable<ServiceSettings[Field]>;
} & { readonly auth?: Readonly<Record<string, unknown>> | undefined };

/** A map is changed by its keys. */
type Nullable<Value> =
  Value extends Readonly<Record<string, infer Entry>>
    ? Readonly<Record<string, Entry | null>> | null
    : Value | null;

/** Of an access token: `expiring` within 30 minutes, `expired` also if there is none yet. */
export type TokenStatus = "valid" | "expiring" | "expired";

/** What the vault tells of a service: never a secret. Fields that do not apply are absent. */
export interface ServiceInfo {
  readonly name: string;
  readonly base_url?: string;
  readonly auth_type: string;
  readonly description?: string;
  readonly tls_skip_verify: boolean;
  readonly session_cookies: boolean;
  readonly allow_private: boolean;
  readonly forward_cookies?: boolean;
  /** Absent while answers are scrubbed. */
  readonly scrub?: "off";
  /** Constant ones that are no secrets. */
  readonly headers?: Readonly<Record<string, string>>;
  readonly connect_timeout?: string;
  readonly response_timeout?: string;
  readonly idle_timeout?: string;
  readonly max_request_bytes?: number;
  /** Of the access token, in unix seconds. */
  readonly expires_at?: number;
  readonly token_status?: TokenStatus;
  readonly scopes?: readonly string[];
  /** Names of uploaded files, never what is in them: of a private key, of that of an OAuth2 client, of a service account. */
  readonly key_file?: string;
  readonly client_key_file?: string;
  readonly file_ref?: string;
  readonly header_name?: string;
  readonly header_names?: readonly string[];
  readonly username?: string;
  /** Names of the query parameters that carry the credential. */
  readonly query_params?: readonly string[];
  readonly imap_host?: string;
  readonly imap_port?: number;
  readonly imap_user?: string;
  readonly imap_tls?: string;
  readonly imap_auth?: string;
  readonly smtp_host?: string;
  readonly smtp_port?: number;
  readonly smtp_user?: string;
  readonly smtp_tls?: string;
  readonly smtp_auth?: string;
  /** The service whose access token logs in to the mailbox. */
  readonly oauth_service?: string;
  readonly redis_host?: string;
  readonly redis_port?: number;
  readonly redis_username?: string;
  readonly redis_db?: number;
  readonly redis_tls?: boolean;
  readonly postgres_host?: string;
  readonly postgres_port?: number;
  readonly postgres_user?: string;
  readonly postgres_db?: string;
  readonly postgres_tls?: string;
  readonly ssh_host?: string;
  readonly ssh_port?: number;
  readonly ssh_user?: string;
  readonly ssh_key_file_ref?: string;
  /** Whether a host key is kept. */
  readonly ssh_connected?: boolean;
  /** `ssh-ed25519 AAAA…`, or a fingerprint alone. */
  readonly ssh_host_key?: string;
  /** `SHA256:…` */
  readonly ssh_host_key_fingerprint?: string;
  readonly ssh_allowed_commands?: readonly string[];
  readonly ssh_allowed_paths?: readonly string[];
  readonly ssh_legacy_algorithms?: readonly string[];
  /** Of sessions. */
  readonly max_connections?: number;
  readonly require_password?: boolean;
  readonly any_local_user?: boolean;
  /** Sentences for the admin who stored the service: in the answers of `addService` and `updateService` only. */
  readonly warnings?: readonly string[];
  /** What a later version tells. */
  readonly [field: string]: unknown;
}

export interface ServiceTest {
  /** The API answered and did not refuse the credential: any status below 500 but 401, 403 and 407. */
  readonly ok: boolean;
  readonly status: number;
  readonly error?: string;
  /** Set when the vault and not the API answered. */
  readonly code?: string;
}

export async function listServices(transport: Transport, options: CallOptions = {}): Promise<ServiceInfo[]> {
  const answer = await transport.json({ ...options, method: "GET", target: "/services" });
  return arrayAnswer(answer).map(serviceInfo);
}

export async function getService(
  transport: Transport,
  name: string,
  options: CallOptions = {},
): Promise<ServiceInfo> {
  return serviceInfo(await transport.json({ ...options, method: "GET", target: serviceTarget(name) }));
}

export async function addService(
  transport: Transport,
  definition: ServiceDefinition,
  options: CallOptions = {},
): Promise<ServiceInfo> {
  return serviceInfo(
    await transport.json({ ...options, method: "POST", target: "/services", body: definition }),
  );
}

export async function updateService(
  transport: Transport,
  name: string,
  definition: ServiceDefinition | UnnamedServiceDefinition,
  options: CallOptions = {},
): Promise<ServiceInfo> {
  const call = { ...options, method: "PUT", target: serviceTarget(name), body: definition };
  return serviceInfo(await transport.json(call));
}

/** Changes what is named, and leaves all else as it is. @throws VaultError `not_found` */
export async function patchService(
  transport: Transport,
  name: string,
  patch: ServicePatch,
  options: CallOptions = {},
): Promise<ServiceInfo> {
  const call = { ...options, method: "PATCH", target: serviceTarget(name), body: patch };
  return serviceInfo(await transport.json(call));
}

export async function removeService(
  transport: Transport,
  name: string,
  options: CallOptions = {},
): Promise<void> {
  await transport.json({ ...options, method: "DELETE", target: serviceTarget(name) });
}

/** From now on only a server that has this key is connected to. */
export async function setHostKey(
  transport: Transport,
  name: string,
  hostKey: string,
  options: CallOptions = {},
): Promise<ServiceInfo> {
  const body = { host_key: hostKey };
  return serviceInfo(await transport.json({ ...options, method: "PUT", target: hostKeyTarget(name), body }));
}

/** The next connection trusts the key that it is shown. */
export async function clearHostKey(
  transport: Transport,
  name: string,
  options: CallOptions = {},
): Promise<ServiceInfo> {
  return serviceInfo(await transport.json({ ...options, method: "DELETE", target: hostKeyTarget(name) }));
}

/** A GET through the proxy. Only a vault that gives no answer at all makes it throw. */
export async function testService(
  transport: Transport,
  name: string,
  path: string,
  options: CallOptions = {},
): Promise<ServiceTest> {
  let response: Response;
  try {
    response = await proxy(transport, name, "GET", path, undefined, options);
  } catch (error) {
    if (error instanceof VaultError && error.status > 0) return refusedBy(error);
    throw error;
  }
  await response.body?.cancel();
  const { status } = response;
  if (status === 401 || status === 403 || status === 407) {
    return { ok: false, status, error: `the API refused the credential (HTTP ${status})` };
  }
  if (status >= 500) return { ok: false, status, error: `the API answered HTTP ${status}` };
  return { ok: true, status };
}

function refusedBy(error: VaultError): ServiceTest {
  return { ok: false, status: error.status, error: error.message, code: error.code };
}

function serviceTarget(name: string): string {
  return `/services/${pathSegment(name)}`;
}

function hostKeyTarget(name: string): string {
  return `${serviceTarget(name)}/host-key`;
}

function serviceInfo(answer: unknown): ServiceInfo {
  stringField(answer, "name");
  stringField(answer, "auth_type");
  optionalStringFields(answer, "base_url", "token_status", "scrub");
  optionalStringFields(answer, "ssh_host", "ssh_user", "ssh_host_key", "ssh_host_key_fingerprint");
  for (const field of ["warnings", "ssh_allowed_commands", "ssh_allowed_paths", "ssh_legacy_algorithms"]) {
    optionalStringListField(answer, field);
  }
  for (const field of ["expires_at", "ssh_port"]) optionalNumberField(answer, field);
  return objectAnswer(answer) as ServiceInfo;
}
