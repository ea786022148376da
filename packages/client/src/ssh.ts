import {
  booleanField,
  numberField,
  objectAnswer,
  optionalStringFields,
  stringField,
  unexpectedAnswer,
} from "./answer.js";
import { fromBase64, toBase64 } from "./base64.js";
import { VaultError } from "./errors.js";
import { jsonLines } from "./json-lines.js";
import { pathSegment } from "./request-target.js";
import { chunksOf } from "./response-chunks.js";
import { SSH_LIMITS } from "./ssh-limits.js";
import type { CallOptions } from "./call.js";
import type { Transport } from "./transport.js";

export interface SshExecOptions extends CallOptions {
  /** Seconds that the command may take: 30 by default, at most 300. Then the remote process is ended. */
  readonly timeout?: number | undefined;
  /** What the command reads, under 1 MB; nothing without it. Bytes arrive as they are, text as UTF-8. */
  readonly stdin?: string | Uint8Array | undefined;
}

/** How a command ended. */
export interface SshExecEnd {
  /** 128 and the signal's number, if a signal ended it. */
  readonly exit_code: number;
  readonly duration_ms: number;
  /** Without "SIG": `TERM`. */
  readonly signal?: string;
  /** Whether output beyond 10 MiB a stream was dropped. */
  readonly truncated: boolean;
}

/** A command's whole output, and its end. */
export interface SshExecResult extends SshExecEnd {
  /** As UTF-8; what is none of it is replaced by U+FFFD. */
  readonly stdout: string;
  readonly stderr: string;
  /** The bytes themselves, where they are not valid UTF-8. */
  readonly stdout_base64?: string;
  readonly stderr_base64?: string;
}

/** What a running command says: any number of pieces of output, and its end as the last. */
export type SshExecEvent =
  | { readonly type: "stdout" | "stderr"; readonly data: Uint8Array }
  | (SshExecEnd & { readonly type: "exit" });

/** The size of a terminal, in characters. */
export interface TerminalSize {
  readonly cols?: number | undefined;
  readonly rows?: number | undefined;
}

export async function sshExec(
  transport: Transport,
  service: string,
  command: string,
  options: SshExecOptions = {},
): Promise<SshExecResult> {
  const { timeout = SSH_LIMITS.commandSeconds, timeoutMs } = options;
  const answer = await transport.json({
    ...execCall(service, command, options),
    timeoutMs: timeoutMs ?? timeout * 1000 + SSH_LIMITS.aroundCommandMs,
    maxAnswerBytes: SSH_LIMITS.resultBytes,
  });
  for (const field of ["stdout", "stderr"]) stringField(answer, field);
  optionalStringFields(answer, "stdout_base64", "stderr_base64");
  assertEnd(answer);
  return objectAnswer(answer) as unknown as SshExecResult;
}

export async function* sshExecStream(
  transport: Transport,
  service: string,
  command: string,
  options: SshExecOptions = {},
): AsyncGenerator<SshExecEvent, void, undefined> {
  const response = await transport.raw({
    ...execCall(service, command, options),
    headers: [["accept", "application/x-ndjson"]],
    rejects: "failures",
  });
  const requestId = response.headers.get("x-vault-request-id") ?? undefined;
  const lines = jsonLines(
    withSentence(chunksOf(response.body as ReadableStream<Uint8Array> | null), options.signal),
    SSH_LIMITS.lineBytes,
  );
  for await (const line of lines) {
    const event = readEvent(line, requestId);
    yield event;
    if (event.type === "exit") return;
  }
  throw cutOff();
}

/** @returns `ws://…`, `wss://…`, or for a unix socket `ws+unix:<path>:<request target>`, as the package `ws` takes it */
export function sshSessionURL(
  { address }: Transport,
  service: string,
  { cols, rows }: TerminalSize = {},
): string {
  const query = [
    ...(cols === undefined ? [] : [`cols=${encodeURIComponent(cols)}`]),
    ...(rows === undefined ? [] : [`rows=${encodeURIComponent(rows)}`]),
  ].join("&");
  const target = `/ssh/${pathSegment(service)}/session${query === "" ? "" : `?${query}`}`;
  if (address.kind === "unix") return `ws+unix:${address.socketPath}:${target}`;
  return address.origin.replace(/^http/, "ws") + address.basePath + target;
}

function execCall(service: string, command: string, { timeout, stdin, ...options }: SshExecOptions) {
  const input =
    typeof stdin === "string" || stdin === undefined ? { stdin } : { stdin_base64: toBase64(stdin) };
  const body = { command, timeout, ...input };
  return { ...options, method: "POST", target: `/ssh/${pathSegment(service)}/exec`, body };
}

function readEvent(line: unknown, requestId: string | undefined): SshExecEvent {
  const type = stringField(line, "type");
  switch (type) {
    case "stdout":
    case "stderr":
      return { type, data: outputBytes(line) };
    case "exit":
      assertEnd(line);
      return objectAnswer(line) as unknown as SshExecEvent;
    case "error":
      throw new VaultError(
        numberField(line, "status"),
        stringField(line, "code"),
        stringField(line, "error"),
        requestId === undefined ? {} : { requestId },
      );
    default:
      throw unexpectedAnswer();
  }
}

function outputBytes(line: unknown): Uint8Array {
  if ("data" in objectAnswer(line)) return new TextEncoder().encode(stringField(line, "data"));
  const bytes = fromBase64(stringField(line, "data_base64"));
  if (bytes === undefined) throw unexpectedAnswer();
  return bytes;
}

function assertEnd(answer: unknown): void {
  for (const field of ["exit_code", "duration_ms"]) numberField(answer, field);
  optionalStringFields(answer, "signal");
  booleanField(answer, "truncated");
}

/** What breaks off a body says nothing to a caller, unless it is the caller's own abort. */
async function* withSentence(
  chunks: AsyncIterable<Uint8Array>,
  signal: AbortSignal | undefined,
): AsyncGenerator<Uint8Array, void, undefined> {
  try {
    yield* chunks;
  } catch (cause) {
    throw signal?.aborted === true ? signal.reason : cutOff(cause);
  }
}

function cutOff(cause?: unknown): VaultError {
  return new VaultError(0, "connection_failed", "the answer was cut off on the way", { cause });
}
