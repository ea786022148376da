import { MIMEType } from "node:util";
import { VaultProxyError } from "../errors/vault-proxy-error.js";
import { HTTP_API_LIMITS } from "./http-api-limits.js";
import { parsePartHeader, type PartHeader } from "./part-header.js";

/** One part of a form, as it comes. */
export interface FormPart extends PartHeader {
  /** To be read to its end before the next part; once. */
  readonly content: AsyncGenerator<Buffer>;
}

const CRLF = Buffer.from("\r\n");
const HEADER_END = Buffer.from("\r\n\r\n");
const LAST = Buffer.from("--");
/** RFC 2046 §5.1.1 */
const BOUNDARY = /^[0-9A-Za-z'()+_,\-./:=? ]{0,69}[0-9A-Za-z'()+_,\-./:=?]$/;

/**
 * The boundary of a multipart/form-data body.
 * @throws VaultProxyError `unsupported_media_type`, `invalid_request`
 */
export function formBoundary(contentType: string | undefined): string {
  const type = parseMediaType(contentType ?? "");
  if (type?.essence !== "multipart/form-data") {
    throw new VaultProxyError("unsupported_media_type", "Content-Type must be multipart/form-data");
  }
  const boundary = type.params.get("boundary") ?? "";
  if (!BOUNDARY.test(boundary)) {
    throw new VaultProxyError("invalid_request", "Content-Type: has no valid boundary");
  }
  return boundary;
}

function parseMediaType(text: string): MIMEType | undefined {
  try {
    return new MIMEType(text);
  } catch {
    return undefined;
  }
}

/**
 * The parts of a multipart/form-data body (RFC 7578, RFC 2046 §5.1.1), none of them held in memory. Stricter than it must be:
 * nothing before the first part or after the last.
 * @param body whatever it throws is thrown on
 * @throws VaultProxyError `invalid_request`, at the end too if the last boundary is missing
 */
export async function* readFormParts(
  body: AsyncIterable<Uint8Array>,
  boundary: string,
): AsyncGenerator<FormPart> {
  const delimiter = Buffer.from(`\r\n--${boundary}`);
  const source = body[Symbol.asyncIterator]();
  // The first delimiter may stand at the very beginning.
  let unread: Buffer = CRLF;

  const readMore = async (): Promise<boolean> => {
    const next = await source.next();
    if (next.done === true) return false;
    unread = unread.length === 0 ? asBuffer(next.value) : Buffer.concat([unread, next.value]);
    return true;
  };
  const have = async (bytes: number): Promise<void> => {
    while (unread.length < bytes) if (!(await readMore())) throw invalidForm();
  };
  const take = (bytes: number): Buffer => {
    const taken = unread.subarray(0, bytes);
    unread = unread.subarray(bytes);
    return taken;
  };
  const takeExactly = async (bytes: Buffer): Promise<void> => {
    await have(bytes.length);
    if (!take(bytes.length).equals(bytes)) throw invalidForm();
  };
  const readHeader = async (): Promise<PartHeader> => {
    let end = unread.indexOf(HEADER_END);
    while (end === -1) {
      if (unread.length > HTTP_API_LIMITS.partHeaderBytes || !(await readMore())) throw invalidForm();
      end = unread.indexOf(HEADER_END);
    }
    if (end > HTTP_API_LIMITS.partHeaderBytes) throw invalidForm();
    const header = parsePartHeader(take(end));
    take(HEADER_END.length);
    return header;
  };
  async function* readContent(): AsyncGenerator<Buffer> {
    for (;;) {
      const end = unread.indexOf(delimiter);
      const known = end === -1 ? unread.length - (delimiter.length - 1) : end;
      if (known > 0) yield take(known);
      if (end !== -1) return;
      if (!(await readMore())) throw invalidForm();
    }
  }

  await takeExactly(delimiter);
  for (;;) {
    await have(CRLF.length);
    if (unread.subarray(0, LAST.length).equals(LAST)) break;
    await takeExactly(CRLF);
    const content = readContent();
    yield { ...(await readHeader()), content };
    if (!(await content.next()).done) throw new Error("a part was not read to its end");
    await takeExactly(delimiter);
  }
  take(LAST.length);
  while (await readMore()) if (unread.length > CRLF.length) throw invalidForm();
  if (unread.length > 0 && !unread.equals(CRLF)) throw invalidForm();
}

function asBuffer(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

function invalidForm(): VaultProxyError {
  return new VaultProxyError("invalid_request", "body: is not valid multipart/form-data");
}
