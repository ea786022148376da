/** What stands between the BEGIN line and the END line of a key (RFC 7468; RFC 1421 §4.4 for the headers). */
export interface ArmoredKey {
  /** Such as `OPENSSH PRIVATE KEY`. */
  readonly label: string;
  readonly headers: ReadonlyMap<string, string>;
  /** The decoded Base64. */
  readonly body: Buffer;
}

/** Refusals of files that are no single private key, as what follows "the file". */
type Reason = string;

const BEGIN = /^-----BEGIN ([A-Z0-9 ]{1,40})-----$/;
const PUBLIC_LINE = /^(?:ssh-|ecdsa-sha2-|sk-)[a-z0-9@.-]{1,80} AAAA/;
const PUBLIC = "is a public key: the private one is in the file without .pub";

/**
 * Finds the one private key in a file. Line ends may be of any system, blanks may stand around every line, and the last
 * line end may be missing, as happens to what is copied and pasted.
 *
 * @returns the key, or why there is none
 */
export function readArmoredKey(bytes: Uint8Array): ArmoredKey | Reason {
  const lines = new TextDecoder()
    .decode(bytes)
    .trim()
    .split(/\r\n|\n|\r/)
    .map((line) => line.trim());
  const [first = ""] = lines;
  if (first === "") return "is empty";
  const foreign = formatWithoutArmor(first);
  if (foreign !== undefined) return foreign;

  const blocks: { label: string; lines: string[] }[] = [];
  let open: { label: string; lines: string[] } | undefined;
  for (const line of lines) {
    if (open !== undefined) {
      if (line === `-----END ${open.label}-----`) open = undefined;
      else open.lines.push(line);
      continue;
    }
    const label = BEGIN.exec(line)?.[1];
    if (label !== undefined) blocks.push((open = { label, lines: [] }));
    else if (line !== "")
      return blocks.length === 0 ? "holds no private key" : "holds more than a private key";
  }
  if (open !== undefined) return "is cut off: the line that ends the key is missing";

  // openssl-ecparam(1) puts the name of the curve before the key, which names it too.
  const [block, ...others] = blocks.filter(({ label }) => label !== "EC PARAMETERS");
  if (block === undefined) return "holds no private key";
  if (others.length > 0) {
    const isAllKeys = [block, ...others].every(({ label }) => label.endsWith("PRIVATE KEY"));
    return isAllKeys ? "holds several keys: only one can be used" : "holds more than a private key";
  }
  return readBlock(block.label, block.lines);
}

function formatWithoutArmor(first: string): Reason | undefined {
  if (first.startsWith("PuTTY-User-Key-File-")) {
    return "is a key of PuTTY: convert it with puttygen -O private-openssh";
  }
  if (first.includes("-cert-v01@openssh.com ")) return "is a certificate, not a private key";
  if (PUBLIC_LINE.test(first) || first === "---- BEGIN SSH2 PUBLIC KEY ----") return PUBLIC;
  return undefined;
}

function readBlock(label: string, lines: readonly string[]): ArmoredKey | Reason {
  if (label.endsWith("PUBLIC KEY")) return PUBLIC;
  if (label.includes("CERTIFICATE")) return "is a certificate, not a private key";
  if (!label.endsWith("PRIVATE KEY")) return "holds no private key";
  const headers = new Map<string, string>();
  const base64: string[] = [];
  for (const line of lines) {
    const colon = line.indexOf(":");
    if (colon === -1) base64.push(line);
    else headers.set(line.slice(0, colon), line.slice(colon + 1).trim());
  }
  const text = base64.join("");
  if (!/^[A-Za-z0-9+/]+={0,2}$/.test(text)) return "is damaged: it is not in Base64";
  return { label, headers, body: Buffer.from(text, "base64") };
}
