import { VaultError } from "./errors.js";
import type { Answer } from "./exchange.js";

/** Bytes. */
const MAX_ERROR_BYTES = 64 * 1024;

/** Why a caller that thinks it has a token is told that one is wanted. */
const NO_TOKEN = " (this client has none: give it as `token`, or set VAULT_TOKEN and use New)";

/**
 * The error that an answer stands for. Consumes the answer's body.
 * @param lacksToken whether the call was sent without a token that it may have wanted
 * @throws VaultError `invalid_answer` when it is too long
 */
export async function errorFromAnswer(answer: Answer, lacksToken = false): Promise<VaultError> {
  const body = parseErrorBody(await answer.text(MAX_ERROR_BYTES));
  const requestId = answer.header("x-vault-request-id");
  const hint = lacksToken && answer.status === 401 && body.error !== undefined ? NO_TOKEN : "";
  // The answer to a HEAD has no body.
  const code = body.code ?? answer.header("x-vault-error");
  const whose =
    code === undefined ? "an address that does not answer like a vault-server" : "the vault-server";
  return new VaultError(
    answer.status,
    code ?? `http_${answer.status}`,
    (body.error ?? `HTTP ${answer.status} from ${whose}`) + hint,
    { requestId, retryAfter: secondsOf(answer.header("retry-after")) },
  );
}

/** The vault's own are seconds, never dates. */
function secondsOf(text: string | undefined): number | undefined {
  return text !== undefined && /^\d{1,9}$/.test(text) ? Number(text) : undefined;
}

function parseErrorBody(text: string): { error?: string; code?: string } {
  try {
    const body: unknown = JSON.parse(text);
    if (typeof body !== "object" || body === null) return {};
    return {
      ...("error" in body && typeof body.error === "string" ? { error: body.error } : {}),
      ...("code" in body && typeof body.code === "string" ? { code: body.code } : {}),
    };
  } catch {
    return {};
  }
}
