import { VaultProxyError } from "../errors/vault-proxy-error.js";
import type { GoogleClient } from "../auth-strategies/oauth2/google-client-file.js";
import { parseHostLiteral } from "../network/address-policy.js";
import { FLOW_LIMITS } from "./flow-limits.js";

/** Where providers send the browser back to. */
export const CALLBACK_PATH = "/auth/oauth2/callback";

/** How the vault is reached, as the request that starts a login shows it. */
export interface OwnAddress {
  readonly scheme: "http" | "https";
  /** As in `Host`: a name or address, IPv6 in brackets, and a port unless it is the scheme's own. */
  readonly host: string;
}

/**
 * The redirect URI of a login: the given one; else one of the client file on this machine, where a bare
 * `http://localhost` of an installed program gets our port and path (RFC 8252 §7.3); else another of the file; without a
 * file, one made of the address that the request came by.
 *
 * @param own undefined if the request came by a unix socket, which no browser can reach
 * @throws VaultProxyError `invalid_request`
 */
export function chooseRedirectUri(options: {
  readonly given: string | undefined;
  readonly file: Pick<GoogleClient, "kind" | "redirectUris"> | undefined;
  readonly own: OwnAddress | undefined;
}): string {
  const { given, file, own } = options;
  if (given !== undefined) return checkGiven(given);
  if (file !== undefined) return chooseOfFile(file, own);
  if (own === undefined) throw refuse("is required, because this request came by a unix socket");
  const uri = `${own.scheme}://${own.host}${CALLBACK_PATH}`;
  if (!isSafe(new URL(uri))) throw refuse(`is required: providers take http on localhost only`);
  return uri;
}

function chooseOfFile(
  file: Pick<GoogleClient, "kind" | "redirectUris">,
  own: OwnAddress | undefined,
): string {
  const usable = file.redirectUris.filter((uri) => URL.canParse(uri) && isSafe(new URL(uri)));
  const local = usable.filter((uri) => isLoopback(new URL(uri).hostname));
  const complete = local.find(leadsHere) ?? usable.find(leadsHere);
  const bare = file.kind === "installed" ? local.find(isBare) : undefined;
  if (bare !== undefined && (complete === undefined || !local.includes(complete)))
    return complement(bare, own);
  if (complete !== undefined) return complete;
  throw new VaultProxyError(
    "invalid_request",
    `client_secret_file: has no redirect URI that ends in ${CALLBACK_PATH}: add one at the provider, or give redirect_uri`,
  );
}

/** RFC 8252 §7.3: the port of a loopback redirect is the program's choice at each request; Google leaves it the path too. */
function complement(bare: string, own: OwnAddress | undefined): string {
  if (own?.scheme !== "http") {
    throw refuse(
      "is required: the file's http://localhost leads to a vault that listens there without TLS only",
    );
  }
  const url = new URL(bare);
  const { port } = new URL(`http://${own.host}`);
  return `http://${url.hostname}${port === "" ? "" : `:${port}`}${CALLBACK_PATH}`;
}

function isBare(uri: string): boolean {
  const { protocol, pathname, search } = new URL(uri);
  return protocol === "http:" && pathname === "/" && search === "";
}

function leadsHere(uri: string): boolean {
  return new URL(uri).pathname === CALLBACK_PATH;
}

/** It is sent byte for byte: providers compare it as a string (RFC 9700 §4.1.3). */
function checkGiven(uri: string): string {
  if (uri.length > FLOW_LIMITS.urlCharacters) throw refuse("is too long");
  if (!/^[\x21-\x7e]+$/.test(uri) || uri.includes("\\") || !URL.canParse(uri))
    throw refuse("is not a valid URL");
  if (uri.includes("#")) throw refuse("must not have a fragment");
  const url = new URL(uri);
  if (url.username !== "" || url.password !== "") throw refuse("must not hold a user name or password");
  if (!isSafe(url)) throw refuse("must be https, or http on localhost");
  return uri;
}

/** RFC 9700 §2.6: no plain http but on the user's own machine. */
function isSafe({ protocol, hostname }: URL): boolean {
  return protocol === "https:" || (protocol === "http:" && isLoopback(hostname));
}

export function isLoopback(hostname: string): boolean {
  const address = parseHostLiteral(hostname);
  if (address === undefined) return hostname === "localhost";
  return address === "::1" || address.startsWith("127.");
}

function refuse(reason: string): VaultProxyError {
  return new VaultProxyError("invalid_request", `redirect_uri: ${reason}`);
}
