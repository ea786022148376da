import { FlowError } from "./flow-failure.js";
import { FLOW_LIMITS } from "./flow-limits.js";

/** What the provider says through the browser (RFC 6749 §4.1.2). All of it may be anyone's text. */
export interface CallbackParameters {
  readonly state: string | undefined;
  readonly all: URLSearchParams;
}

/** @returns undefined for what no provider sends: far too long, or one of the parameters twice (RFC 6749 §3.1) */
export function parseCallback(query: string): CallbackParameters | undefined {
  if (query.length > FLOW_LIMITS.callbackCharacters) return undefined;
  const all = new URLSearchParams(query);
  for (const name of ["state", "code", "iss", "error", "error_description"]) {
    if (all.getAll(name).length > 1) return undefined;
  }
  return { state: all.get("state") ?? undefined, all };
}

/** What the provider answered to a login. */
export type ProviderAnswer =
  | { readonly kind: "code"; readonly code: string }
  /** Texts of the provider as they came. */
  | { readonly kind: "error"; readonly error: string; readonly description: string };

export interface ExpectedProvider {
  /** Where the person was sent. */
  readonly authUrl: string;
  /** The provider's issuer identifier, where it is known. */
  readonly issuer: string | undefined;
  /** Whether an answer without `iss` is refused; by default it is if the issuer is known. */
  readonly requireIss: boolean | undefined;
}

/**
 * Reads the answer of a flow whose state was right.
 *
 * RFC 9207 §2.4: an `iss` must be that of the provider that was asked, or the code could be another one's, to be given
 * away to the wrong token endpoint (mix-up). Where no issuer is known, one on the origin of the authorization endpoint
 * passes.
 *
 * @throws FlowError
 */
export function readProviderAnswer(all: URLSearchParams, expected: ExpectedProvider): ProviderAnswer {
  const sent = all.get("iss");
  if (!(sent === null ? mayBeSilent(expected) : isIssuerOf(sent, expected))) {
    throw new FlowError("issuer_mismatch", "the answer is not from the provider that was asked (iss)");
  }
  const error = all.get("error");
  if (error !== null) return { kind: "error", error, description: all.get("error_description") ?? "" };
  const code = all.get("code") ?? "";
  if (code === "") throw new FlowError("provider_error", "the provider's answer holds no code");
  return { kind: "code", code };
}

function mayBeSilent({ issuer, requireIss }: ExpectedProvider): boolean {
  return !(requireIss ?? issuer !== undefined);
}

function isIssuerOf(sent: string, { issuer, authUrl }: ExpectedProvider): boolean {
  if (issuer !== undefined) return sent === issuer;
  return URL.canParse(sent) && new URL(sent).origin === new URL(authUrl).origin;
}
