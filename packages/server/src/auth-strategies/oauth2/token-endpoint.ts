import * as oauth from "oauth4webapi";
import { VaultProxyError } from "../../errors/vault-proxy-error.js";
import {
  BrokenAnswerError,
  type BoundedAnswer,
  type RequestDestination,
  type SendBounded,
} from "../../network/bounded-request.js";
import type { IssuedToken } from "../issued-token.js";
import { toClientAuth, type ClientAuthentication } from "./client-authentication.js";
import { parseTokenAnswer } from "./token-answer.js";
import { TokenEndpointError } from "./token-endpoint-error.js";

export const TOKEN_BODY_FORMATS = ["form", "json"] as const;
/** RFC 6749 §4 says a form; Notion and Atlassian want JSON. */
export type TokenBodyFormat = (typeof TOKEN_BODY_FORMATS)[number];

export interface OAuth2Client {
  readonly id: string;
  readonly authentication: ClientAuthentication;
}

/** A request to a token endpoint, or to another endpoint that a client proves itself to in the same way. */
export interface TokenRequest {
  readonly url: string;
  readonly destination: RequestDestination;
  /** Undefined where the grant alone proves who asks (RFC 7523 §2.1). */
  readonly client: OAuth2Client | undefined;
  /** The audience of a client assertion where it is not the endpoint itself. */
  readonly issuer?: string | undefined;
  readonly grantType: string;
  readonly parameters: Readonly<Record<string, string>>;
  readonly bodyFormat: TokenBodyFormat;
}

/** @throws TokenEndpointError; the signal's reason if aborted. */
export type RequestToken = (request: TokenRequest, signal: AbortSignal) => Promise<IssuedToken>;

/** @param clock milliseconds since the epoch */
export function createTokenRequester(send: SendBounded, clock: () => number): RequestToken {
  return async (request, signal) => {
    const answer = await sendTokenRequest(send, request, signal);
    return parseTokenAnswer(answer, Math.floor(clock() / 1000));
  };
}

/**
 * Sends a form (or JSON) with client authentication, and gives the answer as it came.
 * @throws TokenEndpointError if no answer came; the signal's reason if aborted.
 */
export async function sendTokenRequest(
  send: SendBounded,
  request: TokenRequest,
  signal: AbortSignal,
): Promise<BoundedAnswer> {
  const { url, destination, client, grantType, parameters } = request;
  let answer: BoundedAnswer | undefined;
  try {
    await oauth.genericTokenEndpointRequest(
      // Whether plain http is allowed is the destination's business; the library would refuse it for loopback too.
      { issuer: request.issuer ?? url, token_endpoint: url.replace(/^http:/i, "https:") },
      { client_id: client?.id ?? "none" },
      client === undefined ? anonymous : toClientAuth(client.authentication),
      grantType,
      { ...parameters },
      {
        [oauth.customFetch]: async (_, { headers, body }) => {
          answer = await send({
            url,
            method: "POST",
            ...encode(request, headers, body),
            destination,
            signal,
          }).catch(wholeOf);
          // The library hands it back unread; the answer itself is read above, within its limits.
          return new Response(null, { status: 200 });
        },
      },
    );
  } catch (error) {
    signal.throwIfAborted();
    throw unreachableTokenEndpoint(error);
  }
  if (answer === undefined) throw new Error("the token request was not sent");
  return answer;
}

/**
 * An answer of success that broke off after its JSON was complete is as good as any. Any other one must not be asked for
 * again: the provider did its part, and a refresh token may be spent (RFC 9700 §4.14).
 */
function wholeOf(error: unknown): BoundedAnswer {
  if (!(error instanceof BrokenAnswerError)) throw error;
  const { answer } = error;
  if (answer.status < 200 || answer.status > 299) throw error;
  try {
    JSON.parse(new TextDecoder().decode(answer.body));
    return answer;
  } catch {
    throw new TokenEndpointError("oauth2_refresh_failed", `token endpoint: ${error.message}`, {
      cause: error,
    });
  }
}

function encode(
  { bodyFormat, parameters }: TokenRequest,
  headers: Record<string, string>,
  body: URLSearchParams,
): { headers: Record<string, string>; body: string } {
  // An `extra` parameter may name another grant than the library set last (Zoom's `account_credentials`).
  if (parameters.grant_type !== undefined) body.set("grant_type", parameters.grant_type);
  if (bodyFormat === "form") return { headers, body: body.toString() };
  return {
    headers: { ...headers, "content-type": "application/json" },
    body: JSON.stringify(Object.fromEntries(body)),
  };
}

/** A request without any client. */
const anonymous: oauth.ClientAuth = () => undefined;

/** The endpoint gave no answer; the sentence tells that it is not the API that failed. */
export function unreachableTokenEndpoint(error: unknown): TokenEndpointError {
  if (error instanceof TokenEndpointError) return error;
  if (!(error instanceof VaultProxyError)) {
    return new TokenEndpointError("oauth2_refresh_failed", "the request for a token could not be made", {
      cause: error,
    });
  }
  return new TokenEndpointError(
    error.code === "destination_blocked" ? error.code : "oauth2_refresh_failed",
    `token endpoint: ${error.message}`,
    { isTemporary: error.code !== "destination_blocked", cause: error },
  );
}
