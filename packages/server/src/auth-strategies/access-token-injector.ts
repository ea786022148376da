import { canonicalHeaderName } from "../network/header-policy.js";
import type { AccessTokenSource, CredentialInjector, OutgoingRequest } from "./auth-strategy.js";
import { NO_NAMES } from "./auth-strategy.js";

const HEADER_NAMES: ReadonlySet<string> = new Set(["authorization"]);
const SCHEME = "Bearer ";

/** `Authorization: Bearer <access token>` (RFC 6750 §2.1), of a token that changes while the service lives. */
export function createAccessTokenInjector(source: AccessTokenSource): CredentialInjector {
  return {
    headerNames: HEADER_NAMES,
    queryNames: NO_NAMES,
    inject(request) {
      const token = source.current();
      if (typeof token === "string") {
        addToken(request, token);
        return undefined;
      }
      return token.then((value) => addToken(request, value));
    },
    async renew(request) {
      // Names are at even places; a value elsewhere, of a cookie for example, may look like either.
      const at = request.headers.findLastIndex(
        (field, index) => index % 2 === 0 && HEADER_NAMES.has(canonicalHeaderName(field)),
      );
      if (at === -1) return false;
      const rejected = request.headers[at + 1]?.slice(SCHEME.length) ?? "";
      const token = await source.replace(rejected);
      if (token === undefined) return false;
      request.headers[at + 1] = `${SCHEME}${token}`;
      return true;
    },
    searched: source.searched,
  };
}

function addToken(request: OutgoingRequest, token: string): void {
  request.headers.push("Authorization", `${SCHEME}${token}`);
}
