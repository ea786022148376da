export interface AuthorizationRequest {
  /** The provider's authorization endpoint; parameters that it has already are kept (RFC 6749 §3.1). */
  readonly authUrl: string;
  readonly clientId: string;
  readonly redirectUri: string;
  readonly scopes: readonly string[];
  /** RFC 6749 §3.3 says a space; some providers want a comma. */
  readonly scopeSeparator: string;
  readonly state: string;
  /** RFC 7636 §4.2, S256. */
  readonly codeChallenge: string;
  /** Further ones, which may also say something else than the usual `access_type` and `prompt`. */
  readonly parameters: Readonly<Record<string, string>>;
}

/**
 * What the flow's safety stands on: nobody may say these but the flow itself. `response_mode` would take the code
 * elsewhere, `request` and `request_uri` (RFC 9101) would stand in for all others.
 */
const FLOW_PARAMETERS: ReadonlySet<string> = new Set([
  "response_type",
  "response_mode",
  "client_id",
  "redirect_uri",
  "scope",
  "state",
  "code_challenge",
  "code_challenge_method",
  "request",
  "request_uri",
]);

/** Whether nobody but the flow itself may say this parameter. */
export function isFlowParameter(name: string): boolean {
  return FLOW_PARAMETERS.has(name.trim().toLowerCase());
}

/** The URL that the person who logs in opens (RFC 6749 §4.1.1, RFC 7636 §4.3). */
export function authorizationUrl(request: AuthorizationRequest): string {
  const url = new URL(request.authUrl);
  const { searchParams } = url;
  searchParams.set("response_type", "code");
  searchParams.set("client_id", request.clientId);
  searchParams.set("redirect_uri", request.redirectUri);
  if (request.scopes.length > 0) searchParams.set("scope", request.scopes.join(request.scopeSeparator));
  searchParams.set("state", request.state);
  searchParams.set("code_challenge", request.codeChallenge);
  searchParams.set("code_challenge_method", "S256");
  // Without these two Google gives a refresh token at the first login only, or none at all.
  searchParams.set("access_type", "offline");
  searchParams.set("prompt", "consent");
  for (const [name, value] of Object.entries(request.parameters)) searchParams.set(name, value);
  // Some providers take a plus for a plus.
  url.search = searchParams.toString().replaceAll("+", "%20");
  return url.href;
}
