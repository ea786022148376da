import { IncomingMessage, ServerResponse } from "node:http";
import { Socket } from "node:net";
import { randomBytes } from "node:crypto";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect } from "vitest";
import type { AuditEntry } from "../../audit/audit-entry.js";
import { createLineMaker, UnmadeEntry } from "../../audit/entry-members.js";
import { createAuditRecorder } from "../../audit/recorder.js";
import type { ServiceRecord } from "../../auth-strategies/service-definition.js";
import { secretsOf } from "../../auth-strategies/service-definition.js";
import type { TokenRecord } from "../../tokens/token-record.js";
import { createBoundedSender } from "../../network/bounded-request.js";
import { createTokenRequester } from "../../auth-strategies/oauth2/token-endpoint.js";
import { createLogins } from "../../oauth2-flow/logins.js";
import { CALLBACK_PATH } from "../../oauth2-flow/redirect-uri.js";
import { createSessionRegistry } from "../../tcp-sessions/session-registry.js";
import { driversWith, lineDriver } from "../../tcp-sessions/testing/line-driver.js";
import { createTokenRegistry } from "../../tokens/token-registry.js";
import type { Vault } from "../../vault/vault.js";
import { UNRESTRICTED } from "../../authorization/grant.js";
import { VaultProxyError } from "../../errors/vault-proxy-error.js";
import { openVault } from "../../vault/vault.js";
import { CHEAP_KDF_COST } from "../../vault/testing/temporary-vault.js";
import type { ControlPlane, ControlPlaneParts } from "../app.js";
import type { HealthDetails } from "../health-details.js";
import { createControlPlane } from "../app.js";
import { createAnswerCheck, type AnswerCheck, type OpenApiDocument } from "./answer-check.js";
import { createPauses, type Pauses } from "./pauses.js";

export const PASSWORD = "correct horse battery";
export const REQUEST_ID = "req-1";
const TOKEN_TTL_MS = 3_600_000;

export interface CallOptions {
  readonly token?: string | undefined;
  readonly json?: unknown;
  readonly body?: RequestInit["body"];
  readonly headers?: Record<string, string>;
}

export interface Answer {
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
  /** The parsed body; undefined if it is not JSON. */
  readonly json: unknown;
}

export interface ControlPlaneFixture {
  readonly app: ControlPlane;
  readonly parts: ControlPlaneParts;
  readonly vault: Vault;
  readonly dataDir: string;
  readonly admin: string;
  readonly proxy: string;
  /** Every line logged so far, as JSON. */
  readonly logged: string[];
  /** Every entry of the audit log so far. */
  readonly recorded: readonly AuditEntry[];
  /** Lets the audit log fail from now on, or write again. */
  failAudit(error: VaultProxyError | undefined): void;
  /** The pauses of device logins: they last until a test lets them end. */
  readonly pauses: Pauses;
  /** Moves the clock on. */
  wait(milliseconds: number): void;
  now(): number;
  /** Sends a request and holds the answer against the OpenAPI document and the headers that every answer has. */
  call(method: string, path: string, options?: CallOptions): Promise<Answer>;
  unlock(password?: string): Promise<Answer>;
  /** What the vault holds, to show that a refused request changed nothing. */
  snapshot(): string;
  close(): Promise<void>;
}

export const HEALTH_DETAILS: HealthDetails = {
  started_at: "2026-03-01T12:00:00.000Z",
  uptime_seconds: 60,
  node_version: "v20.19.0",
  memory: { rss: 4, heap_used: 1, heap_total: 2, external: 1 },
  event_loop_lag: { mean_seconds: 0.001, max_seconds: 0.01 },
  ...{ services: 1, tokens: 2, policies: 0, files: 0 },
  vault: { file_bytes: 1000, generation: 3, backup_present: true },
  audit: { state: "off" },
  ...{
    calls_running: 0,
    connections_open: 1,
    sessions_open: 0,
    ssh_connections_open: 0,
    refresh_failures: 0,
  },
};

/** A control plane over a real vault in a directory of its own, unlocked, with a token of each scope. */
export async function startControlPlane(): Promise<ControlPlaneFixture> {
  const dataDir = await mkdtemp(join(tmpdir(), "vault-http-api-"));
  const logged: string[] = [];
  const write = (fields: object, message: string): void =>
    void logged.push(JSON.stringify({ ...fields, message }));
  const log = { info: write, warn: write, error: write };
  let elapsed = 0;
  const start = Date.parse("2026-03-01T12:00:00Z");
  const clock = (): number => start + elapsed;

  const vault = await openVault({ dataDir, log, clock }, { kdfCost: CHEAP_KDF_COST });
  const services = vault.collection<ServiceRecord>("services");
  const tokens = createTokenRegistry({
    store: vault.collection<TokenRecord>("tokens"),
    randomBytes,
    clock,
    onRevoked: () => undefined,
    onSuspended: () => undefined,
    onUnsavedSuspension: () => undefined,
  });
  const send = createBoundedSender(undefined);
  const pauses = createPauses();
  const logins = createLogins({
    ...{ services, send, randomBytes, clock, log },
    readFile: (name) => vault.files.read(name),
    requestToken: createTokenRequester(send, clock),
    wait: pauses.wait,
    isLocked: () => vault.status === "locked",
  });
  vault.subscribe((event) => {
    if (event.type !== "locked") return;
    const reason = new VaultProxyError("vault_locked", "the vault was locked");
    logins.clear(reason);
    sessions.end(() => true, reason);
  });
  const sessions = createSessionRegistry({
    records: () => services.records,
    drivers: driversWith(lineDriver({ servesBeyond: false })),
    address: { host: "127.0.0.1", ports: undefined },
    authorize: () => UNRESTRICTED,
    audit: { ready: () => undefined, record: () => undefined },
    isAllowedPeer: () => Promise.resolve(true),
    accessToken: () => Promise.reject(new VaultProxyError("not_found", "no such service")),
    ...{ randomBytes, random: Math.random, clock },
    events: { opened: () => undefined, connectionEnded: () => undefined, ended: () => undefined },
  });
  const recorded: AuditEntry[] = [];
  let auditFailure: VaultProxyError | undefined;
  const recorder = createAuditRecorder({
    consoleLog: log,
    maker: createLineMaker((text) => text),
    log: {
      ready: () => undefined,
      record: (entry) => void recorded.push(entry instanceof UnmadeEntry ? entry.make() : entry),
      flush: () =>
        auditFailure === undefined
          ? Promise.resolve({ sequence: recorded.length, hash: "" })
          : Promise.reject(auditFailure),
    },
  });
  const parts: ControlPlaneParts = {
    audit: {
      recorder,
      recordUnlock: (facts, details) => recorder.flushed("unlock", facts, details),
      announceLock: (facts, details) => recorder.record("lock", facts, details),
      query: () => Promise.resolve({ entries: [], next: undefined }),
      renewKey: () => Promise.resolve(),
    },
    clientOf: () => "192.0.2.1",
    sessions,
    // Streams, and calls to servers, are tested on a listener.
    ssh: {
      run: () => Promise.reject(new VaultProxyError("not_found", "no such service")),
      refresh: () => undefined,
    },
    metrics: {
      text: () => Promise.resolve("up 1\n"),
      contentType: "text/plain; version=0.0.4; charset=utf-8",
    },
    healthDetails: () => Promise.resolve(HEALTH_DETAILS),
    responseOf: () => new ServerResponse(new IncomingMessage(new Socket())),
    userIdOf: () => Promise.resolve(undefined),
    logins,
    addressOf: () => ({ scheme: "http", host: "127.0.0.1:8390" }),
    vault,
    tokens,
    services,
    beforeLock: () => Promise.resolve(),
    tokenExpiryOf: () => undefined,
    version: "1.2.3",
    tokenTtlMs: TOKEN_TTL_MS,
    clock,
    log,
    callerOf: () => Promise.resolve("test"),
    requestIdOf: () => REQUEST_ID,
    allowUpload: () => undefined,
  };
  const app = createControlPlane(parts);
  const faultsOf = createAnswerCheck((await (await app.request("/openapi.json")).json()) as OpenApiDocument);

  async function call(method: string, path: string, options: CallOptions = {}): Promise<Answer> {
    const headers = new Headers(options.headers);
    if (options.token !== undefined) headers.set("Authorization", `Bearer ${options.token}`);
    if (options.json !== undefined) headers.set("Content-Type", "application/json");
    const body = options.json === undefined ? options.body : JSON.stringify(options.json);
    const response = await app.request(path, { method, headers, ...(body === undefined ? {} : { body }) });
    const answer = { status: response.status, headers: response.headers, ...(await readAnswer(response)) };
    checkAnswer(faultsOf, method, path, answer);
    return answer;
  }
  const unlock = (password = PASSWORD): Promise<Answer> =>
    call("POST", "/auth/unlock", { json: { password } });

  const admin = ((await unlock()).json as { id: string }).id;
  const { id: proxy } = (await call("POST", "/tokens", { token: admin })).json as { id: string };
  return {
    app,
    parts,
    vault,
    dataDir,
    admin,
    proxy,
    logged,
    recorded,
    failAudit: (error) => void (auditFailure = error),
    pauses,
    wait: (milliseconds) => void (elapsed += milliseconds),
    now: clock,
    call,
    unlock,
    snapshot() {
      const secrets = [...services.records.values()].map((record) =>
        secretsOf(record).map((secret) => secret.reveal()),
      );
      const digests = tokens.list().map(({ digest }) => digest);
      return JSON.stringify([[...services.records], secrets, digests, vault.files.list()]);
    },
    async close() {
      await vault.close();
      await rm(dataDir, { recursive: true, force: true });
    },
  };
}

const BOUNDARY = "boundary-of-a-test";

/** A part of a multipart body: the parameters of its Content-Disposition, its type, its content. */
export type MultipartPart = readonly [string, string | undefined, string | Buffer];

export function multipart(...parts: readonly MultipartPart[]): Buffer {
  const chunks = parts.flatMap(([parameters, type, content]) => [
    `--${BOUNDARY}\r\nContent-Disposition: form-data; ${parameters}\r\n`,
    type === undefined ? "\r\n" : `Content-Type: ${type}\r\n\r\n`,
    content,
    "\r\n",
  ]);
  return Buffer.concat([...chunks, `--${BOUNDARY}--\r\n`].map((chunk) => Buffer.from(chunk)));
}

export const MULTIPART_HEADERS = { "Content-Type": `multipart/form-data; boundary=${BOUNDARY}` };

async function readAnswer(response: Response): Promise<{ text: string; json: unknown }> {
  const text = await response.text();
  const isJson = response.headers.get("content-type") === "application/json";
  return { text, json: isJson && text !== "" ? JSON.parse(text) : undefined };
}

function checkAnswer(faultsOf: AnswerCheck, method: string, path: string, answer: Answer): void {
  const { headers, status, json } = answer;
  const isPage =
    path.startsWith(CALLBACK_PATH) && headers.get("content-type")?.startsWith("text/html") === true;
  expect(Object.fromEntries(headers)).toMatchObject({
    "cache-control": "no-store",
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "content-security-policy": isPage
      ? (expect.stringMatching(/^default-src 'none'; style-src 'sha256-/) as unknown)
      : "default-src 'none'",
    "referrer-policy": "no-referrer",
    "x-vault-request-id": REQUEST_ID,
  });
  const contentType = headers.get("content-type") ?? undefined;
  expect(faultsOf({ method, target: path, status, contentType, body: answer.text })).toEqual([]);
  if (method === "HEAD" || isPage) return;
  if (status >= 400) {
    expect(headers.get("x-vault-error")).toBe((json as { code: string }).code);
    expect(headers.get("www-authenticate")).toBe(status === 401 ? "Bearer" : null);
  }
}
