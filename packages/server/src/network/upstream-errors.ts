import type { ErrorCode } from "../errors/error-codes.js";
import { VaultProxyError } from "../errors/vault-proxy-error.js";

/** How deep `cause` and `AggregateError` are followed. */
const MAX_DEPTH = 5;

type UpstreamErrorCode = Extract<ErrorCode, "upstream_failed" | "upstream_timeout">;

const NOT_RESOLVED = "the upstream's name cannot be resolved";
const RESET = "the upstream closed the connection before its answer was complete";
const MALFORMED = "the upstream's answer is not valid HTTP";
const UNTRUSTED = "the upstream's certificate is not signed by a trusted authority";
const TLS_FAILED = "no TLS connection to the upstream could be made";
const NO_ROUTE = "the upstream's network cannot be reached";
const LOCAL_LIMIT = "the vault has no resources left for another connection";

/** Sentences by the `code` of Node, OpenSSL and undici errors. Their own messages never reach a caller. */
const FAILURES: ReadonlyMap<string, string> = new Map([
  ["ECONNREFUSED", "the upstream refused the connection"],
  ["ECONNRESET", RESET],
  ["ECONNABORTED", RESET],
  ["EPIPE", RESET],
  ["UND_ERR_SOCKET", RESET],
  ["UND_ERR_RES_CONTENT_LENGTH_MISMATCH", RESET],
  ["UND_ERR_CLOSED", "the connection to the upstream is being closed"],
  ["UND_ERR_DESTROYED", "the connection to the upstream is being closed"],
  ["ABORT_ERR", "the call was aborted"],
  ["UND_ERR_ABORT", "the call was aborted"],
  ["UND_ERR_ABORTED", "the call was aborted"],
  ["ENOTFOUND", NOT_RESOLVED],
  ["ENODATA", NOT_RESOLVED],
  ["EAI_NONAME", NOT_RESOLVED],
  ["EAI_NODATA", NOT_RESOLVED],
  ["EAI_FAIL", NOT_RESOLVED],
  ["ESERVFAIL", NOT_RESOLVED],
  ["EAI_AGAIN", "the upstream's name cannot be resolved at the moment"],
  ["EHOSTUNREACH", NO_ROUTE],
  ["EHOSTDOWN", NO_ROUTE],
  ["ENETUNREACH", NO_ROUTE],
  ["ENETDOWN", NO_ROUTE],
  ["EADDRNOTAVAIL", LOCAL_LIMIT],
  ["EMFILE", LOCAL_LIMIT],
  ["ENFILE", LOCAL_LIMIT],
  ["ENOBUFS", LOCAL_LIMIT],
  ["UND_ERR_HEADERS_OVERFLOW", "the upstream's answer has too large a header"],
  ["UND_ERR_REQ_CONTENT_LENGTH_MISMATCH", "the request body is not as long as its Content-Length says"],
  ["UND_ERR_INVALID_ARG", "the request cannot be sent to the upstream"],
  ["UND_ERR_NOT_SUPPORTED", "the request cannot be sent to the upstream"],
  ["ERR_INVALID_CHAR", "the request cannot be sent to the upstream"],
  // X509_verify_cert(3) results as Node names them.
  ["CERT_HAS_EXPIRED", "the upstream's certificate has expired"],
  ["CERT_NOT_YET_VALID", "the upstream's certificate is not valid yet"],
  ["CERT_REVOKED", "the upstream's certificate has been revoked"],
  ["ERR_TLS_CERT_ALTNAME_INVALID", "the upstream's certificate is for another name"],
  ["HOSTNAME_MISMATCH", "the upstream's certificate is for another name"],
  ["DEPTH_ZERO_SELF_SIGNED_CERT", UNTRUSTED],
  ["SELF_SIGNED_CERT_IN_CHAIN", UNTRUSTED],
  ["UNABLE_TO_GET_ISSUER_CERT", UNTRUSTED],
  ["UNABLE_TO_GET_ISSUER_CERT_LOCALLY", UNTRUSTED],
  ["UNABLE_TO_VERIFY_LEAF_SIGNATURE", UNTRUSTED],
  ["CERT_UNTRUSTED", UNTRUSTED],
  ["CERT_REJECTED", UNTRUSTED],
  ["INVALID_CA", UNTRUSTED],
  ["INVALID_PURPOSE", UNTRUSTED],
  ["EPROTO", TLS_FAILED],
  ["ERR_TLS_CERT_ALTNAME_FORMAT", TLS_FAILED],
]);

const TIMEOUTS: ReadonlyMap<string, string> = new Map([
  ["ETIMEDOUT", "the upstream did not accept the connection in time"],
  ["ETIMEOUT", "the upstream's name was not resolved in time"],
  ["UND_ERR_CONNECT_TIMEOUT", "the upstream did not accept the connection in time"],
  ["ERR_TLS_HANDSHAKE_TIMEOUT", "the upstream did not accept the connection in time"],
  ["UND_ERR_HEADERS_TIMEOUT", "the upstream did not answer in time"],
  ["UND_ERR_BODY_TIMEOUT", "the upstream stopped sending"],
]);

/** Families of codes, tried after the exact ones. */
const FAILURE_PREFIXES: readonly (readonly [string, string])[] = [
  ["HPE_", MALFORMED],
  ["CERT_", "the upstream's certificate is not valid"],
  ["ERR_SSL_", TLS_FAILED],
  ["ERR_TLS_", TLS_FAILED],
  ["EAI_", NOT_RESOLVED],
];

/**
 * What a caller is told of a failed upstream call: `upstream_failed` or `upstream_timeout` with a fixed sentence, or
 * the {@link VaultProxyError} itself if it is one or was caused by one. The given error stays inside as `cause`.
 */
export function describeUpstreamError(error: unknown): VaultProxyError {
  let current = error;
  for (let depth = 0; depth < MAX_DEPTH; depth += 1) {
    if (current instanceof VaultProxyError) return current;
    if (!(current instanceof Error)) break;
    const known = describeCode(codeOf(current));
    if (known !== undefined) return new VaultProxyError(known.code, known.sentence, { cause: error });
    current = current instanceof AggregateError ? (current.errors[0] as unknown) : current.cause;
  }
  return new VaultProxyError("upstream_failed", "the call to the upstream failed", { cause: error });
}

const CONNECTION_LOSS: ReadonlySet<string> = new Set(["ECONNRESET", "ECONNABORTED", "EPIPE"]);
/** The message of undici's UND_ERR_SOCKET for this case; others of that code are about what the upstream sent. */
const OTHER_SIDE_CLOSED = "other side closed";

/** Whether the upstream closed the connection, as it may close a kept-alive one at any time. */
export function isConnectionLoss(error: Error): boolean {
  const code = codeOf(error);
  return CONNECTION_LOSS.has(code) || (code === "UND_ERR_SOCKET" && error.message === OTHER_SIDE_CLOSED);
}

function codeOf(error: Error): string {
  return "code" in error && typeof error.code === "string" ? error.code : "";
}

function describeCode(code: string): { code: UpstreamErrorCode; sentence: string } | undefined {
  const timeout = TIMEOUTS.get(code);
  if (timeout !== undefined) return { code: "upstream_timeout", sentence: timeout };
  const failure = FAILURES.get(code) ?? FAILURE_PREFIXES.find(([prefix]) => code.startsWith(prefix))?.[1];
  return failure === undefined ? undefined : { code: "upstream_failed", sentence: failure };
}
