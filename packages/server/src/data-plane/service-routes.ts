import { Pool, type Dispatcher } from "undici";
import type { AccessTokenSource, CredentialInjector } from "../auth-strategies/auth-strategy.js";
import {
  createInjector,
  searchedSecretsOf,
  type ServiceRecord,
} from "../auth-strategies/service-definition.js";
import { differsInTokenOnly } from "../auth-strategies/same-credential.js";
import { allowsInsecure } from "../auth-strategies/service-destination.js";
import { usableRecord } from "../auth-strategies/imported-service.js";
import { parseDuration } from "../config/duration.js";
import { VaultProxyError } from "../errors/vault-proxy-error.js";
import { parseBaseUrl } from "../network/base-url.js";
import { createConnector } from "../network/connector.js";
import { canonicalHeaderName } from "../network/header-policy.js";
import type { ReadGate } from "../network/read-gate.js";
import { RangeLimit } from "./range-limit.js";
import type { CookieJar } from "./cookie-jar.js";
import type { CookieJars } from "./cookie-jars.js";
import { createBodyTypeReader, type ReadBodyType } from "./answer-plan.js";
import { createSearchedAnswers, type SearchedAnswers } from "./answer-search.js";

/** Defaults of what a service may set, and bounds of what an upstream may do. */
const LIMITS = {
  connectTimeoutMs: 10_000,
  /** Until the head of the answer: language models think for minutes. */
  responseTimeoutMs: 300_000,
  /** Between two pieces of a body; a body that keeps flowing has no limit in all. */
  idleTimeoutMs: 300_000,
  maxRequestBytes: 10 * 1024 * 1024,
  maxConnections: 4096,
  maxResponseHeaderBytes: 64 * 1024,
  keepAliveMs: 30_000,
} as const;

/** A service made ready for calls once, when it changes. */
export interface ServiceRoute {
  readonly name: string;
  readonly record: ServiceRecord;
  /** What `record` was made of: the same, but for a service that was taken over from another server. */
  readonly stored: ServiceRecord;
  readonly origin: string;
  readonly basePath: string;
  readonly injector: CredentialInjector;
  /** Canonical name, then name and value as sent, of headers that go out when the caller sent none of that name. */
  readonly defaultHeaders: readonly (readonly [string, string, string])[];
  /** Bytes; Infinity for none. */
  readonly maxRequestBytes: number;
  /** Until the head of the answer, in milliseconds. */
  readonly responseTimeoutMs: number;
  /** Between two pieces of a body, in milliseconds. */
  readonly idleTimeoutMs: number;
  /** What searches answers for the service's secrets; undefined if they are not searched. */
  readonly searchedAnswers: SearchedAnswers | undefined;
  readonly readBodyType: ReadBodyType;
  /** Where the service's cookies are kept; undefined if they are not. */
  readonly cookieJar: CookieJar | undefined;
  readonly dispatcher: Dispatcher;
  /**
   * For a call that may be sent later or once more: the connections stay open for it, also when the service is changed
   * meanwhile.
   * @returns what to call when it will not be sent any more
   */
  readonly hold: () => () => void;
  /** Whether callers may ask for parts. */
  readonly ranges: RangeLimit;
  /** The gate of the connection whose bytes are being handled in this very turn. */
  readonly currentGate: () => ReadGate | undefined;
}

/** The routes of all services, kept in step with the vault. */
export interface ServiceRoutes {
  /** @throws VaultProxyError if the stored service cannot be used by this version. */
  get(name: string): ServiceRoute | undefined;
  /** Forgets routes whose service changed or is gone. Their running calls go on; new ones see the new service. */
  refresh(): void;
  /** Destroys every connection, and the calls on them with `reason`. */
  destroyAll(reason: Error): void;
}

export interface ServiceRoutesOptions {
  /** The committed services. Throws while locked. */
  readonly records: () => ReadonlyMap<string, ServiceRecord>;
  /** The access token of a service whose credential expires, for as long as the service is what this record says. */
  readonly tokenOf: (stored: ServiceRecord) => AccessTokenSource;
  readonly egressProxy: URL | undefined;
  readonly cookieJars: CookieJars;
}

export function createServiceRoutes(options: ServiceRoutesOptions): ServiceRoutes {
  const routes = new Map<string, RetirableRoute>();
  /** Their services were changed; calls still wait to be sent by them. */
  const retired = new Set<RetirableRoute>();

  return {
    get(name) {
      const known = routes.get(name);
      if (known !== undefined) return known.route;
      const record = options.records().get(name);
      if (record === undefined) return undefined;
      const made = createRoute(record, options, () => retired.delete(made));
      routes.set(name, made);
      return made.route;
    },
    refresh() {
      const records = options.records();
      for (const [name, known] of routes) {
        const { route } = known;
        const stored = records.get(name);
        // A token that was refreshed changes nothing of how calls go out.
        if (stored === route.stored || (stored !== undefined && differsInTokenOnly(route.stored, stored)))
          continue;
        routes.delete(name);
        retired.add(known);
        known.retire();
      }
    },
    destroyAll(reason) {
      for (const { route } of [...routes.values(), ...retired]) {
        void route.dispatcher.destroy(reason).catch(ignore);
      }
      routes.clear();
      retired.clear();
    },
  };
}

/** A pool that is already closed or destroyed has nothing more to give back. */
function ignore(): void {
  return undefined;
}

/** A route, and what takes it out of service when the last call that waits for it was sent. */
interface RetirableRoute {
  readonly route: ServiceRoute;
  retire(): void;
}

/** @param onClosing called when the retired route takes no call any more */
function createRoute(
  stored: ServiceRecord,
  options: ServiceRoutesOptions,
  onClosing: () => void,
): RetirableRoute {
  const parts = routeOf(stored, options);
  let holders = 0;
  let isRetired = false;
  const closeIfUnused = (): void => {
    if (!isRetired || holders > 0) return;
    onClosing();
    void parts.dispatcher.close().catch(ignore);
  };
  const hold = (): (() => void) => {
    holders += 1;
    let isHeld = true;
    return () => {
      if (!isHeld) return;
      isHeld = false;
      holders -= 1;
      closeIfUnused();
    };
  };
  return {
    route: { ...parts, hold },
    retire() {
      isRetired = true;
      closeIfUnused();
    },
  };
}

function routeOf(
  stored: ServiceRecord,
  { egressProxy, tokenOf, cookieJars }: ServiceRoutesOptions,
): Omit<ServiceRoute, "hold"> {
  const record = usableRecord(stored);
  const injector = createInjector(record, tokenOf(stored));
  const base = parseBaseUrl(record.base_url, { allowInsecure: allowsInsecure(record) });
  const connectTimeoutMs = milliseconds(record.connect_timeout, LIMITS.connectTimeoutMs);
  const responseTimeoutMs = milliseconds(record.response_timeout, LIMITS.responseTimeoutMs);
  const idleTimeoutMs = milliseconds(record.idle_timeout, LIMITS.idleTimeoutMs);
  const cookieJar = record.session_cookies ? cookieJars.of(stored) : undefined;
  const changing = [injector.searched, cookieJar?.searched].filter((source) => source !== undefined);
  let currentGate: ReadGate | undefined;
  return {
    name: record.name,
    record,
    stored,
    origin: base.origin,
    basePath: base.basePath,
    injector,
    defaultHeaders: Object.entries(record.headers ?? {}).map(([name, value]) => [
      canonicalHeaderName(name),
      name,
      value,
    ]),
    maxRequestBytes:
      record.max_request_bytes === 0 ? Infinity : (record.max_request_bytes ?? LIMITS.maxRequestBytes),
    responseTimeoutMs,
    idleTimeoutMs,
    searchedAnswers:
      record.scrub === "off" ? undefined : createSearchedAnswers(searchedSecretsOf(record), changing),
    readBodyType: createBodyTypeReader(),
    cookieJar,
    ranges: new RangeLimit(),
    currentGate: () => currentGate,
    dispatcher: new Pool(base.origin, {
      connections: LIMITS.maxConnections,
      pipelining: 1,
      keepAliveTimeout: LIMITS.keepAliveMs,
      headersTimeout: responseTimeoutMs,
      // The exchange has its own, which knows a slow caller from a silent upstream.
      bodyTimeout: 0,
      maxHeaderSize: LIMITS.maxResponseHeaderBytes,
      allowH2: false,
      connect: createConnector({
        allowPrivate: allowsInsecure(record),
        ca: record.tls_ca,
        rejectUnauthorized: !record.tls_skip_verify,
        connectTimeoutMs,
        egressProxy,
        onRead: (gate) => (currentGate = gate),
      }),
    }),
  };
}

function milliseconds(duration: string | undefined, fallback: number): number {
  if (duration === undefined) return fallback;
  const parsed = parseDuration(duration);
  if (parsed === undefined) throw new VaultProxyError("internal", "a stored duration cannot be read");
  return parsed;
}
