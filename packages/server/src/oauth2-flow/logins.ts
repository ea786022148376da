import * as oauth from "oauth4webapi";
import type { IssuingTools } from "../auth-strategies/auth-strategy.js";
import type { IssuedToken } from "../auth-strategies/issued-token.js";
import type { GoogleClient } from "../auth-strategies/oauth2/google-client-file.js";
import type { ServiceRecord } from "../auth-strategies/service-definition.js";
import { allowsInsecure } from "../auth-strategies/service-destination.js";
import { VaultProxyError } from "../errors/vault-proxy-error.js";
import { assertEndpointUrl } from "../network/base-url.js";
import { describeThrown, type LogFields, type Logger } from "../redaction/logger.js";
import { Secret } from "../redaction/secret.js";
import type { Collection } from "../vault/collection.js";
import { authorizationUrl, isFlowParameter } from "./authorization-url.js";
import type { CallbackOutcome } from "./callback-pages.js";
import { parseCallback, readProviderAnswer, type ExpectedProvider } from "./callback-parameters.js";
import { requestDeviceAuthorization } from "./device-authorization.js";
import { pollForToken } from "./device-polling.js";
import { FlowError, toFlowFailure, type FlowFailure } from "./flow-failure.js";
import { FLOW_LIMITS } from "./flow-limits.js";
import { FlowRegistry, type FlowStatus, type OpenFlow } from "./flow-registry.js";
import { prepareLogin, type Login } from "./login.js";
import type { BrowserLoginRequest, DeviceLoginRequest } from "./login-schema.js";
import { chooseRedirectUri, type OwnAddress } from "./redirect-uri.js";

export interface LoginParts extends IssuingTools {
  readonly services: Collection<ServiceRecord>;
  readonly randomBytes: (size: number) => Buffer;
  /** Resolves after that time; rejects when the signal is aborted. */
  readonly wait: (milliseconds: number, signal: AbortSignal) => Promise<unknown>;
  readonly isLocked: () => boolean;
  readonly log: Pick<Logger, "info" | "warn">;
  /** Told of each login that ended, before anyone is answered. */
  readonly onEnd?: (service: string, end: LoginEnd) => Promise<void>;
}

export interface LoginEnd {
  readonly flow: "browser" | "device";
  /** The code of what it failed by; undefined if there is a service now. */
  readonly failure: string | undefined;
}

export interface StartedBrowserLogin {
  /** Names the flow to {@link Logins.statusOf}. */
  readonly flow: string;
  readonly authUrl: string;
  readonly state: string;
  readonly redirectUri: string;
  /** Milliseconds since the epoch. */
  readonly expiresAt: number;
  /** Whether there is a service of that name now. */
  readonly replaces: boolean;
}

export interface StartedDeviceLogin {
  readonly flow: string;
  readonly userCode: string;
  readonly verificationUri: string;
  readonly verificationUriComplete: string | undefined;
  /** Milliseconds since the epoch. */
  readonly expiresAt: number;
  readonly intervalMs: number;
  /** Whether there is a service of that name now. */
  readonly replaces: boolean;
}

/** Logins at providers that end in a service: in a browser (RFC 6749 §4.1 with PKCE), or on another device (RFC 8628). */
export interface Logins {
  /** @throws VaultProxyError `invalid_request` and the like */
  startInBrowser(request: BrowserLoginRequest, own: OwnAddress | undefined): Promise<StartedBrowserLogin>;
  /** Asks the provider for a code, and goes on asking for the token in the background. */
  startOnDevice(request: DeviceLoginRequest): Promise<StartedDeviceLogin>;
  /**
   * What the provider's redirect brought: exchanges the code and stores the service. Never rejects.
   * @param query the callback's, without "?"
   */
  complete(query: string): Promise<CallbackOutcome>;
  statusOf(flow: string): FlowStatus | undefined;
  /** @returns whether there was such a login under way */
  cancel(flow: string): boolean;
  /** Stops all logins and forgets how others ended: at a lock. */
  clear(reason: VaultProxyError): void;
}

/** What a flow keeps until its end. */
interface PendingLogin {
  readonly login: Login;
  readonly browser?: BrowserSide;
}

interface BrowserSide {
  readonly provider: ExpectedProvider;
  readonly redirectUri: string;
  readonly codeVerifier: Secret;
}

export function createLogins(parts: LoginParts): Logins {
  const { log, randomBytes } = parts;
  const flows = new FlowRegistry<PendingLogin>(parts);

  /** The service is stored, or is not, whether that can be recorded or not. */
  async function ended(flow: OpenFlow<PendingLogin>, failure: string | undefined): Promise<void> {
    const kind = flow.content.browser === undefined ? "device" : "browser";
    try {
      await parts.onEnd?.(flow.serviceName, { flow: kind, failure });
    } catch (thrown) {
      log.warn({ service: flow.serviceName, ...describeThrown(thrown) }, "a login could not be recorded");
    }
  }

  /** @returns whether there was a service of that name before */
  async function store(flow: OpenFlow<PendingLogin>, issued: IssuedToken): Promise<boolean> {
    const record = flow.content.login.recordOf(issued);
    const replaced = await parts.services.change((records) => {
      // A lock or a cancellation may have come while this change waited for its turn.
      flow.signal.throwIfAborted();
      const isKnown = records.has(record.name);
      records.set(record.name, record);
      return isKnown;
    });
    flow.finish({ replaced });
    log.info(
      { service: record.name, auth_type: record.auth.type, replaced },
      "service authorized by a login",
    );
    await ended(flow, undefined);
    return replaced;
  }

  function fail(flow: OpenFlow<PendingLogin>, thrown: unknown): FlowFailure {
    // Who was dropped in between is told why.
    const failure = toFlowFailure(flow.signal.aborted ? flow.signal.reason : thrown);
    flow.fail(failure);
    log.warn({ service: flow.serviceName, error: failure.code, ...causeOf(thrown) }, "login failed");
    void ended(flow, failure.code);
    return failure;
  }

  async function exchangeCode(
    flow: OpenFlow<PendingLogin>,
    browser: BrowserSide,
    code: string,
  ): Promise<boolean> {
    const request = flow.content.login.tokenRequest("authorization_code", {
      code,
      redirect_uri: browser.redirectUri,
      code_verifier: browser.codeVerifier.reveal(),
    });
    return store(flow, await parts.requestToken(request, flow.signal));
  }

  async function awaitDevice(
    flow: OpenFlow<PendingLogin>,
    deviceCode: Secret,
    intervalMs: number,
  ): Promise<void> {
    const { signal } = flow;
    const request = flow.content.login.tokenRequest(DEVICE_GRANT, { device_code: deviceCode.reveal() });
    try {
      const ask = (): Promise<IssuedToken> => parts.requestToken(request, signal);
      await store(flow, await pollForToken(intervalMs, { ask, wait: parts.wait, signal }));
    } catch (thrown) {
      fail(flow, thrown);
    }
  }

  return {
    async startInBrowser(request, own) {
      const unlocked = flows.lifetime;
      const login = await prepareLogin(request, parts.readFile);
      const authUrl = authUrlOf(request, login.file);
      const redirectUri = chooseRedirectUri({ given: request.redirect_uri, file: login.file, own });
      const codeVerifier = oauth.generateRandomCodeVerifier();
      const codeChallenge = await oauth.calculatePKCECodeChallenge(codeVerifier);
      unlocked.throwIfAborted();

      const state = randomBytes(FLOW_LIMITS.identifierBytes).toString("base64url");
      const provider = { authUrl, issuer: request.issuer, requireIss: request.require_iss };
      const browser = { provider, redirectUri, codeVerifier: new Secret(codeVerifier) };
      const flow = flows.open(
        login.serviceName,
        { login, browser },
        { lifetimeMs: FLOW_LIMITS.browserMs, state },
      );
      return {
        ...{ flow: flow.id, state, redirectUri, expiresAt: flow.expiresAt },
        replaces: parts.services.records.has(login.serviceName),
        authUrl: authorizationUrl({
          ...{ authUrl, redirectUri, state, codeChallenge },
          clientId: login.client.id,
          scopes: request.scopes ?? [],
          scopeSeparator: request.scope_separator,
          parameters: request.authorize_params ?? {},
        }),
      };
    },

    async startOnDevice(request) {
      const unlocked = flows.lifetime;
      const login = await prepareLogin(request, parts.readFile);
      const device = await requestDeviceAuthorization(
        parts.send,
        {
          url: deviceUrlOf(request, login.file),
          ...{ client: login.client, destination: login.destination, issuer: request.issuer },
          parameters: { ...request.authorize_params, ...scopeParameter(request) },
        },
        unlocked,
      );
      unlocked.throwIfAborted();

      const { userCode, verificationUri, verificationUriComplete, intervalMs, lifetimeMs } = device;
      const flow = flows.open(login.serviceName, { login }, { lifetimeMs });
      void awaitDevice(flow, device.deviceCode, intervalMs);
      const { id, expiresAt } = flow;
      const replaces = parts.services.records.has(login.serviceName);
      return {
        flow: id,
        userCode,
        verificationUri,
        verificationUriComplete,
        expiresAt,
        intervalMs,
        replaces,
      };
    },

    async complete(query) {
      if (parts.isLocked()) return { kind: "locked" };
      const parameters = parseCallback(query);
      const flow = parameters?.state === undefined ? undefined : flows.takeByState(parameters.state);
      const browser = flow?.content.browser;
      if (parameters === undefined || flow === undefined || browser === undefined) return { kind: "unknown" };
      const { serviceName } = flow;
      try {
        const answer = readProviderAnswer(parameters.all, browser.provider);
        if (answer.kind === "error") {
          const { error, description } = answer;
          fail(flow, refusalOf(error));
          return { kind: "refused", serviceName, error, description };
        }
        return { kind: "done", serviceName, replaced: await exchangeCode(flow, browser, answer.code) };
      } catch (thrown) {
        const failure = fail(flow, thrown);
        if (failure.code === "vault_locked") return { kind: "locked" };
        return { kind: "failed", serviceName, failure };
      }
    },

    statusOf: (flow) => flows.statusOf(flow),
    cancel: (flow) => flows.cancel(flow),
    clear: (reason) => flows.clear(reason),
  };
}

const DEVICE_GRANT = "urn:ietf:params:oauth:grant-type:device_code";

/** Google's, for a client file of Google's without a word of it. */
const GOOGLE_TOKEN_HOSTS: ReadonlySet<string> = new Set(["oauth2.googleapis.com", "accounts.google.com"]);
const GOOGLE_DEVICE_URL = "https://oauth2.googleapis.com/device/code";

function authUrlOf(request: BrowserLoginRequest, file: GoogleClient | undefined): string {
  const authUrl = file?.authUrl ?? request.auth_url;
  if (authUrl === undefined) throw new VaultProxyError("invalid_request", "auth_url: is required");
  assertEndpointUrl(authUrl, "auth_url", allowsInsecure(request));
  const own = [...new URL(authUrl).searchParams.keys()].find(isFlowParameter);
  if (own === undefined) return authUrl;
  throw new VaultProxyError(
    "invalid_request",
    "auth_url: its query holds a parameter that the vault sets itself",
  );
}

function deviceUrlOf(request: DeviceLoginRequest, file: GoogleClient | undefined): string {
  const isGoogle = file !== undefined && GOOGLE_TOKEN_HOSTS.has(new URL(file.tokenUrl).hostname);
  const deviceUrl = request.device_url ?? (isGoogle ? GOOGLE_DEVICE_URL : undefined);
  if (deviceUrl === undefined) throw new VaultProxyError("invalid_request", "device_url: is required");
  assertEndpointUrl(deviceUrl, "device_url", allowsInsecure(request));
  return deviceUrl;
}

function scopeParameter({ scopes = [], scope_separator }: DeviceLoginRequest): { scope?: string } {
  return scopes.length === 0 ? {} : { scope: scopes.join(scope_separator) };
}

/** What the provider said in place of a code (RFC 6749 §4.1.2.1). Only its own code for a refusal is taken over. */
function refusalOf(error: string): FlowError {
  if (error === "access_denied")
    return new FlowError("access_denied", "the login was refused at the provider");
  return new FlowError("provider_error", "the provider ended the login with an error");
}

/** A defect of ours is logged by its place; what a provider did is not one. */
function causeOf(thrown: unknown): LogFields {
  return thrown instanceof VaultProxyError || thrown instanceof FlowError ? {} : describeThrown(thrown);
}
