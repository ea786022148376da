import type { RequestBody } from "./request-body.js";
import { chunksOf } from "./response-chunks.js";

/** A form that can be sent piece by piece, and its `Content-Type`. */
export interface MultipartForm {
  readonly body: RequestBody;
  readonly contentType: string;
}

/** What a form's file may be made of without a copy of it in memory. */
export type MultipartFile = Blob | ReadableStream<Uint8Array> | AsyncIterable<Uint8Array | string>;

/**
 * A form (RFC 7578) of some fields and one file, the file last. A `Blob` is read while it is sent, and its length is
 * known before; a stream is sent chunked.
 * @param fields their names are this client's own, and need no quoting
 */
export function multipartForm(
  fields: readonly (readonly [name: string, value: string])[],
  file: MultipartFile,
): MultipartForm {
  const random = crypto.getRandomValues(new Uint8Array(16));
  // In lower case: a Blob's type is turned into it, the boundary too.
  const boundary = `vault-${Array.from(random, (byte) => byte.toString(16).padStart(2, "0")).join("")}`;
  const contentType = `multipart/form-data; boundary=${boundary}`;
  const head =
    fields
      .map(
        ([name, value]) =>
          `--${boundary}\r\nContent-Disposition: form-data; name="${name}"\r\n\r\n${value}\r\n`,
      )
      .join("") +
    `--${boundary}\r\nContent-Disposition: form-data; name="file"; filename="file"\r\n` +
    "Content-Type: application/octet-stream\r\n\r\n";
  const tail = `\r\n--${boundary}--\r\n`;
  if (!(file instanceof Blob)) return { body: joined(head, file, tail), contentType };
  const whole = new Blob([head, file, tail], { type: contentType });
  // Bun (1.4) leaves a file that was not read yet out of a blob that is made of it.
  const isWhole = whole.size === new Blob([head, tail]).size + file.size;
  return { body: isWhole ? whole : joined(head, file.stream(), tail), contentType };
}

async function* joined(
  head: string,
  file: Exclude<MultipartFile, Blob>,
  tail: string,
): AsyncGenerator<Uint8Array | string, void, undefined> {
  yield head;
  yield* file instanceof ReadableStream ? chunksOf(file) : file;
  yield tail;
}
