import { arrayAnswer, numberField, objectAnswer, stringField } from "./answer.js";
import { VaultError } from "./errors.js";
import { openLocalFile } from "./local-file.js";
import { pathSegment } from "./request-target.js";
import type { CallOptions } from "./call.js";
import type { Transport } from "./transport.js";

export interface StoredFile {
  readonly name: string;
  readonly mime_type: string;
  /** Bytes. */
  readonly size: number;
}

export interface FileInfo extends StoredFile {
  /** RFC 3339. */
  readonly created_at: string;
}

/** A string is the path of a local file (Node), as in the Go client; anything else is the content. */
export type FileSource = string | Uint8Array | ArrayBuffer | Blob;

export async function uploadFile(
  transport: Transport,
  name: string,
  source: FileSource,
  options: CallOptions = {},
): Promise<StoredFile> {
  // A form would replace what a path cannot carry, and the file would be stored under a name that was not given.
  pathSegment(name);
  const form = new FormData();
  form.set("name", name);
  form.set("file", await contentOf(source), name);
  const answer = await transport.json({ ...options, method: "POST", target: "/files", body: form });
  return storedFile(answer);
}

export async function listFiles(transport: Transport, options: CallOptions = {}): Promise<FileInfo[]> {
  const answer = await transport.json({ ...options, method: "GET", target: "/files" });
  return arrayAnswer(answer).map((file) => storedFile(file) as FileInfo);
}

/** The file's bytes. */
export async function getFile(
  transport: Transport,
  name: string,
  options: CallOptions = {},
): Promise<Uint8Array> {
  const target = `/files/${pathSegment(name)}`;
  const response = await transport.raw({ ...options, method: "GET", target, rejects: "failures" });
  try {
    return new Uint8Array(await response.arrayBuffer());
  } catch (cause) {
    if (options.signal?.aborted === true) throw cause;
    throw new VaultError(0, "connection_failed", "the file was cut off on the way", { cause });
  }
}

export async function deleteFile(
  transport: Transport,
  name: string,
  options: CallOptions = {},
): Promise<void> {
  await transport.json({ ...options, method: "DELETE", target: `/files/${pathSegment(name)}` });
}

function storedFile(answer: unknown): StoredFile {
  stringField(answer, "name");
  stringField(answer, "mime_type");
  numberField(answer, "size");
  return objectAnswer(answer) as unknown as StoredFile;
}

async function contentOf(source: FileSource): Promise<Blob> {
  if (source instanceof Blob) return source;
  if (typeof source !== "string") return new Blob([new Uint8Array(source)]);
  return openLocalFile(source);
}
