import { isUtf8 } from "node:buffer";
import { VaultProxyError } from "../errors/vault-proxy-error.js";

/** What the headers of a form's part say. */
export interface PartHeader {
  readonly name: string;
  /** Whether it has a filename (RFC 7578 §4.2). */
  readonly isFile: boolean;
}

/** RFC 9110 §5.6.2 token, or a quoted string. */
const PARAMETER = /[ \t]*;[ \t]*([!#$%&'*+\-.^_`|~0-9A-Za-z]+)=(?:"((?:[^"\\]|\\.)*)"|([^\s;"]+))/uy;
const CONTROL = /[^\P{Cc}\t]/u;
/** RFC 2045 §6.2: the encodings that leave the bytes as they are. */
const UNCHANGED = /^(?:7bit|8bit|binary)$/i;

/**
 * Reads the headers of one part of a multipart/form-data body (RFC 7578 §4), without the empty line after them.
 * @throws VaultProxyError `invalid_request`
 */
export function parsePartHeader(bytes: Buffer): PartHeader {
  if (!isUtf8(bytes)) throw refusal("body: a name in it is not valid UTF-8");
  let disposition: string | undefined;
  for (const line of bytes.toString("utf8").split("\r\n")) {
    const colon = line.indexOf(":");
    if (colon < 1 || CONTROL.test(line)) throw refusal("body: is not valid multipart/form-data");
    const value = line.slice(colon + 1).trim();
    switch (line.slice(0, colon).toLowerCase()) {
      case "content-disposition":
        if (disposition !== undefined) throw refusal("body: a part has two names");
        disposition = value;
        break;
      case "content-transfer-encoding":
        if (!UNCHANGED.test(value)) {
          throw refusal("file: a Content-Transfer-Encoding other than binary, 7bit or 8bit is not accepted");
        }
        break;
    }
  }
  return parseDisposition(disposition ?? "");
}

function parseDisposition(value: string): PartHeader {
  const [type = ""] = value.split(";", 1);
  if (type.trim().toLowerCase() !== "form-data") throw refusal("body: a part has no name");
  let name: string | undefined;
  let isFile = false;
  PARAMETER.lastIndex = type.length;
  while (PARAMETER.lastIndex < value.length) {
    const match = PARAMETER.exec(value);
    if (match === null) throw refusal("body: is not valid multipart/form-data");
    const [, parameter = "", quoted, token] = match;
    switch (parameter.toLowerCase()) {
      case "name":
        if (name !== undefined) throw refusal("body: a part has two names");
        name = quoted ?? token;
        break;
      case "filename":
      case "filename*":
        isFile = true;
        break;
    }
  }
  if (name === undefined) throw refusal("body: a part has no name");
  return { name, isFile };
}

function refusal(message: string): VaultProxyError {
  return new VaultProxyError("invalid_request", message);
}
