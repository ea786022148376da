import { isUtf8 } from "node:buffer";
import { VaultProxyError } from "../errors/vault-proxy-error.js";

const HEAD_END = "\r\n\r\n";
const TRANSFER_ENCODING = /^[ \t]*content-transfer-encoding[ \t]*:[ \t]*(.*?)[ \t]*$/gim;
/** RFC 2045 §6.2: the encodings that leave the bytes as they are. */
const UNCHANGED = /^(?:7bit|8bit|binary)$/i;
const FILE_NAME = /filename\*?[ \t]*=/i;

/**
 * Refuses what the platform's reader of forms would take with a changed meaning and not a word: names and fields that
 * are not UTF-8 (RFC 7578 §5.1), and a part in a transfer encoding, which RFC 7578 §4.7 deprecates.
 * @param body a multipart/form-data body that the platform's reader has accepted.
 * @throws VaultProxyError `invalid_request`
 */
export function assertPlainParts(body: Buffer, boundary: string): void {
  for (const part of partsOf(body, boundary)) {
    const headEnd = part.indexOf(HEAD_END);
    const head = headEnd === -1 ? part : part.subarray(0, headEnd);
    const headText = head.toString("latin1");
    if (!isUtf8(FILE_NAME.test(headText) ? head : part)) {
      throw new VaultProxyError("invalid_request", "name: is not valid UTF-8");
    }
    for (const [, encoding = ""] of headText.matchAll(TRANSFER_ENCODING)) {
      if (!UNCHANGED.test(encoding)) {
        throw new VaultProxyError(
          "invalid_request",
          "file: a Content-Transfer-Encoding other than binary, 7bit or 8bit is not accepted",
        );
      }
    }
  }
}

/** Each part's headers and content (RFC 2046 §5.1.1). */
function* partsOf(body: Buffer, boundary: string): Generator<Buffer> {
  const delimiter = Buffer.from(`--${boundary}`);
  let start = body.indexOf(delimiter);
  while (start !== -1) {
    const end = body.indexOf(delimiter, start + delimiter.length);
    if (end !== -1) yield body.subarray(start + delimiter.length, end);
    start = end;
  }
}
