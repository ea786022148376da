import { VaultError, invalidRequest } from "./errors.js";
import { proxyTarget } from "./request-target.js";
import { getService } from "./services.js";
import type { CallOptions } from "./call.js";
import type { Transport } from "./transport.js";

/** What an SDK is given in the place of an API's address and key. */
export interface SdkOptions {
  readonly baseURL: string;
  /** The vault's token. */
  readonly apiKey: string;
}

/** Without `ANTHROPIC_AUTH_TOKEN` of the environment, which would go to the vault as well. */
export interface AnthropicOptions extends SdkOptions {
  readonly authToken: null;
}

export interface GoogleGenAIOptions {
  readonly apiKey: string;
  /** Whatever the environment says. */
  readonly vertexai: false;
  readonly httpOptions: { readonly baseUrl: string };
}

export interface OctokitOptions {
  readonly baseUrl: string;
  readonly auth: string;
  /** GitHub names the next page by its own address: this `fetch` asks the vault for it. */
  readonly request: { readonly fetch: typeof fetch };
}

export interface StripeOptions {
  readonly apiKey: string;
  /** Its `host` holds a path, for which only Stripe's fetch client has a place. */
  readonly config: { readonly host: string; readonly port: string; readonly protocol: "http" | "https" };
}

/** A segment such as `v1` or `v1beta`. */
const VERSION = /(^|\/)v\d+[a-z0-9]*(\/|$)/;

/** @throws VaultError `invalid_address` for a unix socket, `insecure_address`, `invalid_request` without a token */
export function sdkOptions(transport: Transport, service: string, path = ""): SdkOptions {
  const { address } = transport;
  if (address.kind === "unix") {
    throw new VaultError(
      0,
      "invalid_address",
      "SDKs know no unix sockets: let vault-server listen on a port",
    );
  }
  const apiKey = transport.token();
  if (apiKey === "") throw invalidRequest("there is no token to give to the SDK");
  return { baseURL: address.origin + address.basePath + proxyTarget(service, path), apiKey };
}

export async function openaiOptions(
  transport: Transport,
  service: string,
  options?: CallOptions,
): Promise<SdkOptions> {
  const stored = await storedPath(transport, service, options);
  return sdkOptions(transport, service, VERSION.test(stored) ? "" : "/v1");
}

export async function anthropicOptions(
  transport: Transport,
  service: string,
  options?: CallOptions,
): Promise<AnthropicOptions> {
  return { ...(await unversioned(transport, service, options)), authToken: null };
}

export async function googleGenAIOptions(
  transport: Transport,
  service: string,
  options?: CallOptions,
): Promise<GoogleGenAIOptions> {
  const { baseURL, apiKey } = await unversioned(transport, service, options);
  return { apiKey, vertexai: false, httpOptions: { baseUrl: baseURL } };
}

export async function octokitOptions(
  transport: Transport,
  service: string,
  options?: CallOptions,
): Promise<OctokitOptions> {
  const stored = (await storedUrl(transport, service, options)).replace(/\/+$/, "");
  const { baseURL, apiKey } = sdkOptions(transport, service);
  const throughVault: typeof fetch = (input, init) => {
    const url = input instanceof Request ? input.url : String(input);
    const below = url.startsWith(`${stored}/`) ? url.slice(stored.length) : undefined;
    if (below === undefined) return fetch(input, init);
    return fetch(input instanceof Request ? new Request(baseURL + below, input) : baseURL + below, init);
  };
  return { baseUrl: baseURL, auth: apiKey, request: { fetch: throughVault } };
}

export async function stripeOptions(
  transport: Transport,
  service: string,
  options?: CallOptions,
): Promise<StripeOptions> {
  const { baseURL, apiKey } = await unversioned(transport, service, options);
  const { hostname, port, protocol, pathname } = new URL(baseURL);
  const isHttps = protocol === "https:";
  return {
    apiKey,
    config: {
      host: hostname + pathname,
      port: port === "" ? (isHttps ? "443" : "80") : port,
      protocol: isHttps ? "https" : "http",
    },
  };
}

/** For an SDK that writes the version into every path itself, and would have it twice. */
async function unversioned(
  transport: Transport,
  service: string,
  options: CallOptions | undefined,
): Promise<SdkOptions> {
  const stored = await storedPath(transport, service, options);
  if (VERSION.test(stored)) {
    throw invalidRequest(
      `this SDK adds the API's version itself: store the base_url of ${service} without ${stored}`,
    );
  }
  return sdkOptions(transport, service);
}

async function storedPath(
  transport: Transport,
  service: string,
  options: CallOptions | undefined,
): Promise<string> {
  const url = await storedUrl(transport, service, options);
  return URL.canParse(url) ? new URL(url).pathname : "";
}

async function storedUrl(
  transport: Transport,
  service: string,
  options: CallOptions | undefined,
): Promise<string> {
  const { base_url: url, auth_type: type } = await getService(transport, service, options);
  if (url === undefined)
    throw invalidRequest(`${service} is of type ${type}, which no SDK of an API speaks to`);
  return url;
}
