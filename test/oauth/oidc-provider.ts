import "./url-parse.js";
import { generateKeyPairSync, randomUUID } from "node:crypto";
import type { IncomingMessage, ServerResponse } from "node:http";
import { createServer } from "node:https";
import type { AddressInfo } from "node:net";
import { setTimeout as delay } from "node:timers/promises";
import { Provider, type Context } from "oidc-provider";
import { makeCertificates, type Certificates } from "../live/tls-upstream.js";
import { devicePages, INTERACTION_PATH, PERSON, serveInteraction } from "./login-pages.js";
import { ProviderStore } from "./memory-adapter.js";
import { API_PATH, createProtectedApi, type ApiCall } from "./protected-api.js";
import { makeClients, type ClientKind, type ProviderClient } from "./provider-clients.js";

/** What every client may ask for. */
export const SCOPES = ["openid", "offline_access", "notes:read", "notes:write"] as const;

/** What a test may change while the provider runs; it holds from the next request on. */
export interface ProviderSettings {
  /** Lifetime of access tokens, in seconds; the provider itself tells whole seconds. */
  accessTokenSeconds: number;
  /** What the client is told that lifetime is, where that is not so. */
  toldSeconds: number | undefined;
  /** A new refresh token with every refresh; the old one, used again, ends the whole grant (RFC 9700 section 4.14.2). */
  rotate: boolean;
  /** Whether the code exchange and the device grant give a refresh token. */
  giveRefreshTokens: boolean;
  /** What a person's "Refuse" is reported as. */
  refusal: { readonly error: string; readonly error_description: string };
}

/** What happens to one call of the token endpoint, in place of or around its normal answer. */
export interface TokenFault {
  /** Waits before anything else. */
  readonly delayMs?: number;
  /** Answers with this status and does nothing. */
  readonly status?: number;
  /** Does all of its work, rotation included, and then cuts the connection: the answer is lost. */
  readonly loseAnswer?: boolean;
}

/** A request to an endpoint of the provider, once it has been answered. */
export interface ProviderCall {
  /** Its path, such as `/token`. */
  readonly endpoint: string;
  /** `grant_type`, at the token endpoint. */
  readonly grant: string | undefined;
  readonly clientId: string | undefined;
  /** How the client authenticated itself; it is for the client's registration to say if it may. */
  readonly clientAuth: "basic" | "post" | "assertion" | "none";
  readonly status: number;
  /** The `error` of the answer. */
  readonly error: string | undefined;
}

/**
 * The certified provider, on TLS of a test's own authority: PKCE required of everyone, rotation with reuse detection,
 * device grant, client credentials, introspection, revocation, `iss` in authorization responses (RFC 9207), and an API
 * that takes its tokens.
 */
export interface OidcProvider {
  readonly issuer: string;
  readonly certificates: Certificates;
  readonly clients: Readonly<Record<ClientKind, ProviderClient>>;
  readonly person: typeof PERSON;
  readonly endpoints: {
    readonly authorization: string;
    readonly token: string;
    readonly device: string;
    readonly introspection: string;
    readonly revocation: string;
    /** Below it everything is the protected API: `<api>/me`. */
    readonly api: string;
  };
  readonly settings: ProviderSettings;
  /** Taken from the front, one by each call of the token endpoint. */
  readonly tokenFaults: TokenFault[];
  readonly calls: ProviderCall[];
  readonly apiCalls: ApiCall[];
  readonly store: ProviderStore;
  /** How many calls of the token endpoint there were, of one grant or of all. */
  tokenCalls(grant?: string): number;
  /** A grant of the person to a client, without a browser: its refresh token. */
  issueRefreshToken(kind?: ClientKind, scopes?: readonly string[]): Promise<string>;
  close(): Promise<void>;
}

const TOKEN_PATH = "/token";
const FORTNIGHT_S = 14 * 24 * 3600;

export async function startOidcProvider(
  options: {
    /** Beside the vault's own callback path on any loopback port, which every client may use. */
    readonly redirectUris?: readonly string[];
    readonly settings?: Partial<ProviderSettings>;
    readonly certificates?: Certificates;
  } = {},
): Promise<OidcProvider> {
  const certificates = options.certificates ?? (await makeCertificates());
  const settings: ProviderSettings = {
    accessTokenSeconds: 3600,
    toldSeconds: undefined,
    rotate: true,
    giveRefreshTokens: true,
    refusal: { error: "access_denied", error_description: "the person said no" },
    ...options.settings,
  };
  let onRequest: (request: IncomingMessage, response: ServerResponse) => void = () => undefined;
  const server = createServer({ cert: certificates.cert, key: certificates.key }, (request, response) =>
    onRequest(request, response),
  );
  // Longer than any test: whoever keeps a connection must not find it closed at the moment of its next request.
  server.keepAliveTimeout = 600_000;
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const issuer = `https://127.0.0.1:${(server.address() as AddressInfo).port}`;

  const { clients, metadata } = makeClients(options.redirectUris ?? [], SCOPES);
  const store = new ProviderStore();
  const provider = new Provider(issuer, configuration(metadata, store, settings));
  const calls: ProviderCall[] = [];
  const tokenFaults: TokenFault[] = [];
  const failures: Error[] = [];
  provider.on("server_error", (_context, error) => failures.push(error));
  provider.use(async (context, next) => {
    const fault = context.path === TOKEN_PATH ? tokenFaults.shift() : undefined;
    if (fault?.delayMs !== undefined) await delay(fault.delayMs);
    if (fault?.status === undefined) await next();
    else {
      context.status = fault.status;
      context.body = { error: "temporarily_unavailable" };
    }
    calls.push(asCall(context));
    if (settings.toldSeconds !== undefined && hasToken(context.body)) {
      context.body = { ...context.body, expires_in: settings.toldSeconds };
    }
    if (fault?.loseAnswer === true) {
      context.respond = false;
      context.req.socket.destroy();
    }
  });
  const api = createProtectedApi(`${issuer}/token/introspection`, certificates.ca);
  const serveProvider = provider.callback();
  const fail = (response: ServerResponse) => (error: unknown) => {
    failures.push(error as Error);
    response.writeHead(500).end();
  };
  onRequest = (request, response) => {
    const { url = "" } = request;
    if (url.startsWith(API_PATH)) api.serve(request, response).catch(fail(response));
    else if (url.startsWith(INTERACTION_PATH)) {
      serveInteraction(provider, request, response, () => settings.refusal).catch(fail(response));
    } else serveProvider(request, response);
  };

  return {
    issuer,
    certificates,
    clients,
    person: PERSON,
    endpoints: {
      authorization: `${issuer}/auth`,
      token: `${issuer}${TOKEN_PATH}`,
      device: `${issuer}/device/auth`,
      introspection: `${issuer}/token/introspection`,
      revocation: `${issuer}/token/revocation`,
      api: `${issuer}${API_PATH.slice(0, -1)}`,
    },
    settings,
    tokenFaults,
    calls,
    apiCalls: api.calls,
    store,
    tokenCalls: (grant) =>
      calls.filter((call) => call.endpoint === TOKEN_PATH && (grant === undefined || call.grant === grant))
        .length,
    async issueRefreshToken(kind = "client_secret_basic", scopes = ["offline_access", "notes:read"]) {
      const { id } = clients[kind];
      const grant = new provider.Grant({ accountId: PERSON.login, clientId: id });
      grant.addOIDCScope(scopes.join(" "));
      const token = new provider.RefreshToken({
        accountId: PERSON.login,
        client: await provider.Client.find(id),
        grantId: await grant.save(),
        gty: "authorization_code",
        scope: scopes.join(" "),
        authTime: Math.floor(Date.now() / 1000),
        sessionUid: randomUUID(),
        rotations: 0,
      });
      return token.save();
    },
    async close() {
      const closed = new Promise((resolve) => server.close(resolve));
      server.closeAllConnections();
      await closed;
      api.close();
      if (options.certificates === undefined) await certificates.remove();
      if (failures[0] !== undefined) throw new Error("the provider itself failed", { cause: failures[0] });
    },
  };
}

function configuration(clients: readonly object[], store: ProviderStore, settings: ProviderSettings): object {
  const { privateKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
  return {
    adapter: store.adapterFor,
    clients,
    jwks: {
      keys: [{ ...privateKey.export({ format: "jwk" }), kid: "provider-1", use: "sig", alg: "ES256" }],
    },
    scopes: SCOPES,
    cookies: { keys: [randomUUID()] },
    pkce: { required: () => true },
    rotateRefreshToken: () => settings.rotate,
    issueRefreshToken: () => settings.giveRefreshTokens,
    // A refresh token outlives the session of the browser.
    expiresWithSession: () => false,
    extraParams: ["access_type"],
    findAccount: (_context: Context, id: string) => ({ accountId: id, claims: () => ({ sub: id }) }),
    clientBasedCORS: () => false,
    interactions: { url: (_context: Context, { uid }: { uid: string }) => `${INTERACTION_PATH}${uid}` },
    renderError: (context: Context, out: { error: string; error_description?: string }) => {
      context.type = "text";
      context.body = `${out.error}: ${out.error_description ?? ""}`;
    },
    ttl: {
      AccessToken: () => settings.accessTokenSeconds,
      ClientCredentials: () => settings.accessTokenSeconds,
      DeviceCode: () => 600,
      IdToken: () => 3600,
      RefreshToken: () => FORTNIGHT_S,
      Interaction: () => 3600,
      Session: () => FORTNIGHT_S,
      Grant: () => FORTNIGHT_S,
    },
    features: {
      devInteractions: { enabled: false },
      deviceFlow: { enabled: true, ...devicePages },
      clientCredentials: { enabled: true },
      introspection: { enabled: true, allowedPolicy: () => true },
      revocation: { enabled: true },
    },
  };
}

const hasToken = (body: unknown): body is object =>
  typeof body === "object" && body !== null && "access_token" in body;

function asCall({ path, headers, oidc, status, body }: Context): ProviderCall {
  const { params, client } = oidc ?? {};
  const has = (name: string): boolean => params?.[name] !== undefined;
  return {
    endpoint: path,
    grant: params?.grant_type,
    clientId: client?.clientId,
    clientAuth:
      headers.authorization !== undefined
        ? "basic"
        : has("client_assertion")
          ? "assertion"
          : has("client_secret")
            ? "post"
            : "none",
    status,
    error: (body as { error?: string } | undefined)?.error,
  };
}
