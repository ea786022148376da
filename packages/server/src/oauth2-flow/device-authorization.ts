import { z } from "@hono/zod-openapi";
import * as oauth from "oauth4webapi";
import { toClientAuth } from "../auth-strategies/oauth2/client-authentication.js";
import type { OAuth2Client } from "../auth-strategies/oauth2/token-endpoint.js";
import { refusedBy } from "../auth-strategies/oauth2/token-endpoint-error.js";
import { VaultProxyError } from "../errors/vault-proxy-error.js";
import type { BoundedAnswer, RequestDestination, SendBounded } from "../network/bounded-request.js";
import { Secret } from "../redaction/secret.js";
import { FLOW_LIMITS } from "./flow-limits.js";
import { isLoopback } from "./redirect-uri.js";

/** RFC 8628 §3.1. */
export interface DeviceAuthorizationRequest {
  readonly url: string;
  readonly destination: RequestDestination;
  readonly client: OAuth2Client;
  readonly issuer?: string | undefined;
  readonly parameters: Readonly<Record<string, string>>;
}

/** RFC 8628 §3.2. */
export interface DeviceAuthorization {
  readonly deviceCode: Secret;
  /** What the person types. */
  readonly userCode: string;
  /** Where. */
  readonly verificationUri: string;
  /** The same with the code in it, for a link or a QR code. */
  readonly verificationUriComplete: string | undefined;
  /** Milliseconds. */
  readonly lifetimeMs: number;
  readonly intervalMs: number;
}

/** @throws VaultProxyError `upstream_failed` and the like; the signal's reason if aborted. */
export async function requestDeviceAuthorization(
  send: SendBounded,
  request: DeviceAuthorizationRequest,
  signal: AbortSignal,
): Promise<DeviceAuthorization> {
  const { url, destination, client } = request;
  let answer: BoundedAnswer | undefined;
  await oauth.deviceAuthorizationRequest(
    // Whether plain http is allowed is the destination's business.
    { issuer: request.issuer ?? url, device_authorization_endpoint: url.replace(/^http:/i, "https:") },
    { client_id: client.id },
    toClientAuth(client.authentication),
    { ...request.parameters },
    {
      [oauth.customFetch]: async (_, { headers, body }) => {
        answer = await send({ url, method: "POST", headers, body: body.toString(), destination, signal });
        return new Response(null, { status: 200 });
      },
    },
  );
  if (answer === undefined) throw new Error("the device authorization request was not sent");
  return parseDeviceAuthorization(answer);
}

const code = (maxLength: number) =>
  z
    .string()
    .min(1)
    .max(maxLength)
    .regex(/^[\x20-\x7e]+$/);

/** It is shown to a person, who opens it: a link of another kind, or one that hides where it leads, is none. */
const shownUrl = z
  .string()
  .max(FLOW_LIMITS.urlCharacters)
  .regex(/^[\x21-\x7e]+$/)
  .refine((text) => URL.canParse(text) && isSafeToOpen(new URL(text)));

/** Some providers send numbers as strings. */
const seconds = z
  .union([z.number(), z.string().regex(/^\d+$/).transform(Number)])
  .pipe(z.number().positive());

/** RFC 6749 §5.2. */
const refusalSchema = z.object({ error: z.string().min(1) });

const answerSchema = z.object({
  device_code: code(FLOW_LIMITS.urlCharacters),
  user_code: code(FLOW_LIMITS.userCodeCharacters),
  // Google's name for it, from before the RFC.
  verification_url: shownUrl.optional().catch(undefined),
  verification_uri: shownUrl.optional().catch(undefined),
  verification_uri_complete: shownUrl.optional().catch(undefined),
  expires_in: seconds.optional().catch(undefined),
  interval: seconds.optional().catch(undefined),
});

/** @throws VaultProxyError which holds nothing of the answer's text but a registered error code */
export function parseDeviceAuthorization({ status, body }: BoundedAnswer): DeviceAuthorization {
  const fields = parseJson(body);
  const refused = refusalSchema.safeParse(fields);
  if (refused.success) throw refusedBy(refused.data.error, false);
  if (status !== 200) throw unusable(`the provider answered to the device login with status ${status}`);
  const parsed = answerSchema.safeParse(fields);
  if (!parsed.success) throw unusable("the provider's answer to the device login cannot be used");
  const { data } = parsed;
  const verificationUri = data.verification_uri ?? data.verification_url;
  if (verificationUri === undefined) {
    throw unusable("the provider names no page to log in at that may be shown to a person");
  }
  const { usual, least, most } = FLOW_LIMITS.pollMs;
  return {
    deviceCode: new Secret(data.device_code),
    userCode: data.user_code,
    verificationUri,
    verificationUriComplete: data.verification_uri_complete,
    lifetimeMs: Math.min((data.expires_in ?? Number.POSITIVE_INFINITY) * 1000, FLOW_LIMITS.deviceMs),
    intervalMs: Math.min(Math.max((data.interval ?? 0) * 1000 || usual, least), most),
  };
}

function isSafeToOpen({ protocol, hostname, username, password }: URL): boolean {
  if (username !== "" || password !== "") return false;
  return protocol === "https:" || (protocol === "http:" && isLoopback(hostname));
}

function parseJson(body: Buffer): unknown {
  try {
    // Unlike toString it leaves a byte order mark out.
    return JSON.parse(new TextDecoder().decode(body)) as unknown;
  } catch {
    return undefined;
  }
}

function unusable(message: string): VaultProxyError {
  return new VaultProxyError("upstream_failed", message);
}
