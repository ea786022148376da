/** A failure that is not a bug: one sentence for the user. Exit code 1. */
export class CliError extends Error {
  override readonly name: string = "CliError";
  /** What to do about it. */
  readonly hint: string | undefined;
  /** What `--json` tells programs. */
  readonly code: string;

  constructor(message: string, hint?: string, code = "failed") {
    super(message);
    this.hint = hint;
    this.code = code;
  }
}

/** The command line was wrong. Exit code 2. */
export class UsageError extends CliError {
  override readonly name = "UsageError";
}

/** A signal ended the work. The exit code is 128 + its number, as a shell has it. */
export class InterruptedError extends CliError {
  override readonly name = "InterruptedError";
  readonly exitCode: 130 | 143;

  /** @param outcome what is left of the work */
  constructor(signal: "SIGINT" | "SIGTERM", outcome: string) {
    super(`interrupted: ${outcome}`, undefined, "interrupted");
    this.exitCode = signal === "SIGINT" ? 130 : 143;
  }
}

/** Ctrl-C in place of an answer: nothing was begun. */
export class CancelledError extends CliError {
  override readonly name = "CancelledError";
  /** As a shell has it for SIGINT. */
  readonly exitCode = 130;

  constructor() {
    super("cancelled", undefined, "interrupted");
  }
}

/** A program that was to be run cannot be. The exit code is that of a shell. */
export class NotRunnableError extends CliError {
  override readonly name = "NotRunnableError";
  /** 127 for one that is not found, 126 for one that cannot be executed. */
  readonly exitCode: 126 | 127;

  constructor(message: string, hint: string, exitCode: 126 | 127) {
    super(message, hint, exitCode === 127 ? "not_found" : "not_executable");
    this.exitCode = exitCode;
  }
}

/** The vault's refusal of a name, told with that name. */
export class MissingNameError extends CliError {
  override readonly name = "MissingNameError";
  readonly refusal: Error;

  constructor(message: string, hint: string, refusal: Error) {
    super(message, hint, "not_found");
    this.refusal = refusal;
  }
}

/** The vault's refusal of a field, told as the command line has it. */
export class RenamedFieldError extends CliError {
  override readonly name = "RenamedFieldError";
  readonly refusal: Error;

  constructor(message: string, refusal: Error) {
    super(message, undefined, "invalid_request");
    this.refusal = refusal;
  }
}

/** What is told of a failure, as text or as JSON. */
export interface Failure {
  readonly message: string;
  readonly hint?: string | undefined;
  readonly code: string;
  /** HTTP status of the vault's answer. */
  readonly status?: number | undefined;
  readonly requestId?: string | undefined;
  readonly exitCode: 1 | 2 | 126 | 127 | 130 | 143;
}

/** What a hint depends on beside the error. */
export interface Circumstances {
  /** The name that this program was called by. */
  readonly bin: string;
  /** Whether the token came from VAULT_TOKEN. */
  readonly tokenFromEnvironment: boolean;
}

export function describeFailure(error: unknown, circumstances: Circumstances): Failure {
  if (error instanceof UsageError) {
    return { message: error.message, hint: error.hint, code: "usage", exitCode: 2 };
  }
  if (error instanceof MissingNameError) {
    return { ...describeFailure(error.refusal, circumstances), message: error.message, hint: error.hint };
  }
  if (error instanceof RenamedFieldError) {
    return { ...describeFailure(error.refusal, circumstances), message: error.message };
  }
  if (error instanceof CliError) {
    const hasExitCode =
      error instanceof InterruptedError ||
      error instanceof CancelledError ||
      error instanceof NotRunnableError;
    const exitCode = hasExitCode ? error.exitCode : 1;
    return { message: error.message, hint: error.hint, code: error.code, exitCode };
  }
  if (isVaultFileError(error)) return { message: error.message, code: error.code, exitCode: 1 };
  if (isVaultError(error)) {
    return {
      message: ownWords(error) ?? error.message,
      hint: hintFor(error, circumstances),
      code: error.code,
      status: error.status === 0 ? undefined : error.status,
      requestId: error.requestId,
      // Nothing was called: what names the vault is written wrongly.
      exitCode: error.code === "invalid_address" ? 2 : 1,
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

/** What was told by the part of the server that works on vault files; by its shape, for the same reason. */
function isVaultFileError(error: unknown): error is Error & { readonly code: string } {
  return (
    error instanceof Error &&
    error.name === "VaultProxyError" &&
    "code" in error &&
    typeof error.code === "string"
  );
}

function ownWords({ code, message }: VaultErrorShape): string | undefined {
  // What the server says of a request without a token tells how programs send one.
  if (code === "unauthorized" && /^a (?:vault )?token is required/.test(message))
    return "there is no session";
  return OWN_WORDS[code] ?? forPersons(message);
}

/** The message of an error, for a person at a command line. */
export function reasonText(error: unknown): string {
  return error instanceof Error ? forPersons(error.message) : "unknown reason";
}

function forPersons(message: string): string {
  return message.replace(FOR_PROGRAMMERS, "");
}

/** What the client adds for those who call it from a program. */
const FOR_PROGRAMMERS =
  / \((?:this client has none|nobody listens there|there is no such socket|its host's name cannot be looked up|`timeoutMs` sets)[^)]*\)$/;

/** Where the client's sentence speaks to programmers, or its hint would not fit. */
const OWN_WORDS: Readonly<Record<string, string | undefined>> = {
  vault_locked: "vault is locked",
  insecure_address: "refused to send a credential over plain http to a host other than loopback",
};

/** What to do where something else answers. */
const NOT_A_VAULT = "something else may listen there: see that VAULT_ADDR or --addr is right";

function hintFor(error: VaultErrorShape, { bin, tokenFromEnvironment }: Circumstances): string | undefined {
  switch (error.code) {
    case "vault_locked":
      return `run \`${bin} unlock\``;
    case "unauthorized":
      if (error.message.startsWith("session expired")) return `run \`${bin} unlock\``;
      return tokenFromEnvironment && !error.message.startsWith("a token is required")
        ? `get another token for VAULT_TOKEN, or unset it and run \`${bin} unlock\``
        : `run \`${bin} unlock\`, or set VAULT_TOKEN`;
    case "invalid_address":
      return "write VAULT_ADDR or --addr as http://127.0.0.1:8390, or as unix:/path/to/socket";
    case "invalid_answer":
      return NOT_A_VAULT;
    case "insecure_address":
      return "use https or a unix socket, or pass --allow-insecure";
    case "forbidden":
      // Another 403 of this code (a Host that is not served) speaks of no scope.
      return tokenFromEnvironment && error.message.includes("scope")
        ? "VAULT_TOKEN is set and is not an admin token: unset it to use your session"
        : undefined;
    case "invalid_request":
      return invalidRequestHint(error.message, tokenFromEnvironment);
    case "body_too_large":
      return error.message.includes("max_request_bytes")
        ? `\`${bin} service update NAME --max-request-bytes 100MB\` raises it`
        : undefined;
    case "token_suspended":
      return `it sent secrets of other services, or guessed at one; an admin looks into that, then runs \`${bin} token resume\``;
    case "secret_in_request":
      return "leave it out, the vault adds the right credential itself; the third time suspends a proxy token";
    case "ssh_host_key_mismatch":
      return `if the server got a new key, and this is it: \`${bin} service host-key pin\``;
    case "connection_failed":
      return connectionHint(error, bin);
    default:
      // No code of a vault-server: something else answered.
      return /^http_\d+$/.test(error.code) ? NOT_A_VAULT : undefined;
  }
}

function invalidRequestHint(message: string, tokenFromEnvironment: boolean): string | undefined {
  if (message.includes("plain http needs allow_private")) return "--allow-private allows it";
  if (/address not allowed(?!.*never)/.test(message)) {
    return "--allow-private allows private addresses and this machine's own";
  }
  return tokenFromEnvironment && message.startsWith("the token holds")
    ? "set VAULT_TOKEN to the token alone, without spaces, quotes or line breaks"
    : undefined;
}

/** Whether it is the error of a call to an address where no program listens. */
export function isNobodyThere(error: unknown): boolean {
  const code = error instanceof Error ? systemCode(error.cause) : undefined;
  return code === "ECONNREFUSED" || code === "ENOENT";
}

function systemCode(cause: unknown): string | undefined {
  return cause instanceof Error && "code" in cause && typeof cause.code === "string" ? cause.code : undefined;
}

function connectionHint(error: VaultErrorShape, bin: string): string | undefined {
  if (isNobodyThere(error)) return `start one here with \`${bin} up\`, or see that VAULT_ADDR is right`;
  const code = systemCode(error.cause) ?? "";
  if (code.startsWith("HPE_")) return NOT_A_VAULT;
  return /CERT|SELF_SIGNED|UNABLE_TO/.test(code)
    ? "name its CA's certificate in NODE_EXTRA_CA_CERTS"
    : undefined;
}
