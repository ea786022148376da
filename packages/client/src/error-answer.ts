import { VaultError } from "./errors.js";
import type { Answer } from "./exchange.js";

/** Bytes. */
const MAX_ERROR_BYTES = 64 * 1024;

/** The error that an answer stands for. Consumes the answer's body. @throws VaultError `invalid_answer` when it is too long */
export async function errorFromAnswer(answer: Answer): Promise<VaultError> {
  const body = parseErrorBody(await answer.text(MAX_ERROR_BYTES));
  const requestId = answer.header("x-vault-request-id");
  return new VaultError(
    answer.status,
    body.code ?? answer.header("x-vault-error") ?? `http_${answer.status}`,
    body.error ?? `HTTP ${answer.status} from an address that does not answer like a vault-server`,
    requestId === undefined ? {} : { requestId },
  );
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
