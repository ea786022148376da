import { VaultError } from "./errors.js";

/** Node's and undici's, for a connection that was there and ended. */
const ENDED = /^(ECONNRESET|EPIPE|UND_ERR_SOCKET)$/;

/** Node's, for an answer that is no TLS. */
const NO_TLS = /^(EPROTO|ERR_SSL_WRONG_VERSION_NUMBER)$/;

/** Node's, for names (getaddrinfo). */
const LOOKED_UP = /^(ENOTFOUND|EAI_AGAIN)$/;

/** What is known of a call that failed on the way. */
export interface FailedCall {
  /** The vault's address. */
  readonly label: string;
  /** Whether the answer had begun. */
  readonly answered: boolean;
  /** Whether it does no harm to send it again. */
  readonly repeatable: boolean;
}

/**
 * Who sent a call must know whether it can have been made: one that never reached the vault may be sent again, one
 * whose answer was lost may not.
 */
export function connectionFailure(call: FailedCall, error: unknown): VaultError {
  const reason = reasonOf(error);
  const code = reason instanceof Error && "code" in reason ? reason.code : undefined;
  const detail =
    typeof code === "string" ? code : reason instanceof Error ? reason.message : "unknown reason";
  return new VaultError(0, "connection_failed", sentence(call, String(code), detail), { cause: reason });
}

function sentence({ label, answered, repeatable }: FailedCall, code: string, detail: string): string {
  const vault = `vault-server at ${label}`;
  if (answered) return `the answer of ${vault} was cut off (${detail})`;
  if (ENDED.test(code)) {
    const made = repeatable ? "" : "; the call may have been made";
    const scheme = label.startsWith("http:") ? "; where it has TLS, write https://" : "";
    return `${vault} ended the connection without an answer (${detail})${made}${scheme}`;
  }
  const strange = `what answers at ${label} does not speak`;
  if (code.startsWith("HPE_")) return `${strange} HTTP (${detail})`;
  if (NO_TLS.test(code)) return `${strange} TLS (${detail}); where it has none, write http://`;
  return `cannot reach ${vault} (${detail})${nextStep(code, label)}`;
}

/** For programmers, in brackets: `vault-cli` has its own. */
function nextStep(code: string, label: string): string {
  const mend = "give the right address as `addr`, or in VAULT_ADDR for New";
  if (code === "ECONNREFUSED") return ` (nobody listens there: start vault-server, or ${mend})`;
  if (code === "ENOENT" && label.startsWith("unix:")) {
    return " (there is no such socket: start vault-server, or give the right one as `socketPath`)";
  }
  return LOOKED_UP.test(code) ? ` (its host's name cannot be looked up: ${mend})` : "";
}

/** A fetch says only "fetch failed"; the reason is one level down. */
function reasonOf(error: unknown): unknown {
  return error instanceof Error && error.cause instanceof Error ? error.cause : error;
}
