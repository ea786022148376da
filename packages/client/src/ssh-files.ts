import { numberField, objectAnswer, stringField } from "./answer.js";
import { VaultError, invalidRequest } from "./errors.js";
import { openLocalFile } from "./local-file.js";
import { multipartForm, type MultipartFile } from "./multipart-form.js";
import { pathSegment } from "./request-target.js";
import { chunksOf } from "./response-chunks.js";
import { SSH_LIMITS } from "./ssh-limits.js";
import type { CallOptions } from "./call.js";
import type { Transport } from "./transport.js";

export interface SshUploadOptions extends CallOptions {
  /** Permissions of the file: `0o644`, or octal digits such as `"0644"`. Default: 0644. */
  readonly mode?: number | string | undefined;
}

export interface SshUploadResult {
  readonly ok: true;
  readonly bytes: number;
  readonly remote_path: string;
}

/** A string is the path of a local file (Node); anything else is the content. At most 50 MB. */
export type SshUploadSource =
  | string
  | ArrayBufferView
  | ArrayBuffer
  | Blob
  | ReadableStream<Uint8Array>
  | AsyncIterable<Uint8Array | string>;

export async function sshUpload(
  transport: Transport,
  service: string,
  remotePath: string,
  source: SshUploadSource,
  { mode, ...options }: SshUploadOptions = {},
): Promise<SshUploadResult> {
  const target = `/ssh/${pathSegment(service)}/upload`;
  if (!remotePath.isWellFormed()) {
    throw invalidRequest("the remote path holds half of a character (a lone surrogate)");
  }
  const fields = [
    ["remote_path", remotePath] as const,
    ...(mode === undefined ? [] : [["mode", octal(mode)] as const]),
  ];
  const form = multipartForm(fields, await contentOf(source));
  const answer = await transport.json({
    ...options,
    timeoutMs: options.timeoutMs ?? SSH_LIMITS.transferMs,
    method: "POST",
    target,
    headers: [["content-type", form.contentType]],
    body: form.body,
  });
  numberField(answer, "bytes");
  stringField(answer, "remote_path");
  return objectAnswer(answer) as unknown as SshUploadResult;
}

/** The file's bytes. */
export async function sshDownload(
  transport: Transport,
  service: string,
  remotePath: string,
  options: CallOptions = {},
): Promise<Uint8Array> {
  const pieces: Uint8Array[] = [];
  for await (const chunk of sshDownloadStream(transport, service, remotePath, options)) pieces.push(chunk);
  const bytes = new Uint8Array(pieces.reduce((length, piece) => length + piece.length, 0));
  let at = 0;
  for (const piece of pieces) {
    bytes.set(piece, at);
    at += piece.length;
  }
  return bytes;
}

export async function* sshDownloadStream(
  transport: Transport,
  service: string,
  remotePath: string,
  options: CallOptions = {},
): AsyncGenerator<Uint8Array, void, undefined> {
  const response = await transport.raw({
    ...options,
    method: "POST",
    target: `/ssh/${pathSegment(service)}/download`,
    body: { remote_path: remotePath },
    rejects: "failures",
  });
  try {
    yield* chunksOf(response.body as ReadableStream<Uint8Array> | null);
  } catch (cause) {
    if (options.signal?.aborted === true) throw options.signal.reason;
    throw new VaultError(0, "connection_failed", "the file was cut off on the way", { cause });
  }
}

function octal(mode: number | string): string {
  const text = typeof mode === "number" ? mode.toString(8).padStart(4, "0") : mode;
  if (!/^[0-7]{3,4}$/.test(text)) throw invalidRequest("a mode has three or four octal digits: 0644");
  return text;
}

async function contentOf(source: SshUploadSource): Promise<MultipartFile> {
  if (typeof source === "string") return openLocalFile(source);
  if (ArrayBuffer.isView(source)) {
    const { buffer, byteOffset, byteLength } = source;
    return new Blob([new Uint8Array(new Uint8Array(buffer, byteOffset, byteLength))]);
  }
  return source instanceof ArrayBuffer ? new Blob([source]) : source;
}
