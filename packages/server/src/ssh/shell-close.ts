import { StringDecoder } from "node:string_decoder";
import type { ErrorCode } from "../errors/error-codes.js";
import type { VaultProxyError } from "../errors/vault-proxy-error.js";
import type { ExitStatus } from "./exit-status.js";

/** How a shell's WebSocket ends (RFC 6455 §7.1.5 and §7.1.6). */
export interface ShellClose {
  readonly code: number;
  readonly reason: string;
}

/** RFC 6455 §7.4.1. */
const NORMAL = 1000;
const GOING_AWAY = 1001;
const PROTOCOL_ERROR = 1002;
const POLICY_VIOLATION = 1008;
const INTERNAL_ERROR = 1011;

/** What a close frame has room for beside its code (RFC 6455 §5.5). */
const REASON_BYTES = 123;

/** What the shell's client did, or what an admin decided; everything else went wrong behind the vault. */
const REFUSALS: ReadonlySet<ErrorCode> = new Set([
  ...(["invalid_request", "unauthorized", "forbidden", "policy_denied", "token_suspended"] as const),
  ...(["not_found", "vault_locked", "rate_limited"] as const),
]);

/** After the shell has ended by itself; `exit_code` is null where the server did not tell it. */
export function closeAfterExit(status: ExitStatus | undefined): ShellClose {
  const signal = status?.signal;
  const reason = {
    exit_code: status?.exitCode ?? null,
    ...(signal === undefined ? {} : { signal }),
  };
  const text = JSON.stringify(reason);
  const isShort = Buffer.byteLength(text) <= REASON_BYTES;
  return { code: NORMAL, reason: isShort ? text : JSON.stringify({ exit_code: reason.exit_code }) };
}

/** When something else has ended the shell. */
export function closeAfterFailure({ code, message }: VaultProxyError): ShellClose {
  return { code: closeCodeOf(code), reason: shorten(message) };
}

/** When a client does not keep to the protocol. */
export function closeAfterViolation(sentence: string): ShellClose {
  return { code: PROTOCOL_ERROR, reason: sentence };
}

function closeCodeOf(code: ErrorCode): number {
  if (code === "unavailable") return GOING_AWAY;
  return REFUSALS.has(code) ? POLICY_VIOLATION : INTERNAL_ERROR;
}

/** At a boundary of characters: a reason that is not UTF-8 would break the connection. */
function shorten(text: string): string {
  return new StringDecoder("utf8").write(Buffer.from(text).subarray(0, REASON_BYTES));
}
