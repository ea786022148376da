/** A failure that is not a bug: one sentence for the user. Exit code 1. */
export class CliError extends Error {
  override readonly name: string = "CliError";
  /** What to do about it. */
  readonly hint: string | undefined;

  constructor(message: string, hint?: string) {
    super(message);
    this.hint = hint;
  }
}

/** The command line was wrong. Exit code 2. */
export class UsageError extends CliError {
  override readonly name = "UsageError";
}

/** What is told of a failure, as text or as JSON. */
export interface Failure {
  readonly message: string;
  readonly hint?: string | undefined;
  readonly code: string;
  /** HTTP status of the vault's answer. */
  readonly status?: number | undefined;
  readonly requestId?: string | undefined;
  readonly exitCode: 1 | 2;
}

/** @param bin the name that this program was called by */
export function describeFailure(error: unknown, bin: string): Failure {
  if (error instanceof UsageError) {
    return { message: error.message, hint: error.hint, code: "usage", exitCode: 2 };
  }
  if (error instanceof CliError) {
    return { message: error.message, hint: error.hint, code: "failed", exitCode: 1 };
  }
  if (isVaultError(error)) {
    const locked = error.code === "vault_locked";
    return {
      message: locked ? "vault is locked" : error.message,
      hint: hintFor(error, bin),
      code: error.code,
      status: error.status === 0 ? undefined : error.status,
      requestId: error.requestId,
      exitCode: 1,
    };
  }
  const message = error instanceof Error ? `${error.name}: ${error.message}` : "unknown";
  return { message: `internal error: ${message}`, code: "internal", exitCode: 1 };
}

interface VaultErrorShape {
  readonly status: number;
  readonly code: string;
  readonly message: string;
  readonly requestId: string | undefined;
  readonly cause?: unknown;
}

/** By its shape, so that a wrong command line is told without loading the client. */
function isVaultError(error: unknown): error is VaultErrorShape {
  return error instanceof Error && error.name === "VaultError" && "code" in error && "status" in error;
}

function hintFor(error: VaultErrorShape, bin: string): string | undefined {
  switch (error.code) {
    case "vault_locked":
      return `run \`${bin} unlock\``;
    case "unauthorized":
      return `run \`${bin} unlock\`, or set VAULT_TOKEN`;
    case "insecure_address":
      return "or pass --allow-insecure";
    case "connection_failed":
      return connectionHint(error.cause);
    default:
      return undefined;
  }
}

function connectionHint(cause: unknown): string | undefined {
  const code = cause instanceof Error && "code" in cause ? cause.code : undefined;
  if (code === "ECONNREFUSED" || code === "ENOENT") return "start it with `vault-server`";
  if (typeof code === "string" && /CERT|SELF_SIGNED|UNABLE_TO/.test(code)) {
    return "name its CA's certificate in NODE_EXTRA_CA_CERTS";
  }
  return undefined;
}
