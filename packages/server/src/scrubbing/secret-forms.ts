import { base64Forms } from "./base64-forms.js";
import { htmlForms, rareHtmlForms } from "./html-forms.js";
import { jsonForms, rareJsonForms, wholeJsonForms } from "./json-forms.js";
import { escapeForms, percentForms, rarePercentForms, wholePercentForms } from "./percent-forms.js";
import { publicStartLength } from "./public-start.js";
import { PIECE_BYTES, SHORTEST_SEARCHED_LINE, SHORTEST_SEARCHED_SECRET } from "./scrubbing-limits.js";

/**
 * `all`: what is a secret wherever it stands. `common`: the same, without what few encoders write. `kept`: as a path, a
 * command, a header field or a name is likely to hold it: raw, in URLs, in JSON, in Base64, in hex. `base64`: what is one
 * only as Base64, such as the `user:password` of basic authentication, whose parts are secrets (or not) of their own.
 */
export type FormSet = "all" | "common" | "kept" | "base64";

/** What no common encoder of JSON or URLs rewrites, unless it rewrites everything. */
const SAME_IN_KEPT_FORMS = /^[A-Za-z0-9._-]*$/;

/** RFC 7468 §2 boundaries, the headers of an encrypted key (RFC 1421 §4.6), nothing at all. */
const PUBLIC_LINE = /^(?:-----(?:BEGIN|END) .*-----|(?:Proc-Type|DEK-Info): .*|\s*)$/;
/**
 * `openssh-key-v1` in Base64. The first line of such a key (PROTOCOL.key: cipher, derivation, key type) holds nothing
 * private, and is the same in all keys of a type.
 */
const OPENSSH_HEAD = "b3BlbnNzaC1rZXktdjE";

/**
 * Whether a secret is long enough to be searched for. Characters are counted and not bytes: it is what somebody who
 * is told "under 8 characters" counts, and a secret never has fewer bytes than characters.
 */
export function isSearchable(secret: string): boolean {
  return Array.from(secret).length >= SHORTEST_SEARCHED_SECRET;
}

/**
 * The distinct byte patterns, of at most {@link PIECE_BYTES} each, that are searched for on behalf of a secret: raw
 * (UTF-8, and Latin-1 if it fits, which is how a header field carries it), percent-encoded, JSON-escaped,
 * HTML-escaped, Base64; none if it is not searchable.
 *
 * Of a secret with several lines also each long line by itself, because line ends are written in many ways. Lines
 * that are no secret (a PEM key's boundaries) are left out at both ends. Give a private key, not a document around
 * it: every long line is taken for a secret.
 */
export function secretForms(secret: string, set: FormSet = "all"): Buffer[] {
  // Latin-1 strings stand for bytes here, so that a Set can tell which are equal.
  const patterns = new Set<string>();
  const add = (form: string): void => {
    for (const piece of cutIntoPieces(form)) patterns.add(piece);
  };
  if (set === "base64") {
    if (isSearchable(secret)) sentBase64Forms(secret).forEach(add);
  } else {
    for (const text of searchedTexts(secret)) {
      if (!isSearchable(text)) continue;
      keptForms(text).forEach(add);
      if (set === "kept") {
        hexForms(text).forEach(add);
        continue;
      }
      writtenForms(text).forEach(add);
      // Of what has several lines, each is searched for by itself.
      if (set === "all" && !/[\r\n]/.test(text)) rareForms(text).forEach(add);
    }
  }
  return Array.from(patterns, (pattern) => Buffer.from(pattern, "latin1"));
}

/** What the patterns of a secret, as it is, begin with that is none. */
export function publicStarts(secret: string): Buffer[] {
  const publicLength = publicStartLength(secret);
  if (publicLength === 0) return [];
  const raw = Buffer.from(secret);
  return pieceStarts(raw.length)
    .filter((start) => start < publicLength)
    .map((start) => Buffer.from(raw.subarray(start, Math.min(start + PIECE_BYTES, publicLength))));
}

function keptForms(text: string): string[] {
  const utf8 = Buffer.from(text);
  if (SAME_IN_KEPT_FORMS.test(text)) return [text, ...wholePercentForms(utf8), ...base64Forms(utf8)];
  const forms = jsonForms(text).map((form) => Buffer.from(form).toString("latin1"));
  for (const bytes of isLatin1BeyondAscii(text) ? [utf8, Buffer.from(text, "latin1")] : [utf8]) {
    forms.push(bytes.toString("latin1"), ...percentForms(bytes), ...wholePercentForms(bytes));
    forms.push(...base64Forms(bytes));
  }
  return forms;
}

/** In both cases of the digits. Not searched for in answers, which may be long and full of hex. */
function hexForms(text: string): string[] {
  const hex = Buffer.from(text).toString("hex");
  return [hex, hex.toUpperCase()];
}

/** The other common ones, which programs write and people do not. */
function writtenForms(text: string): string[] {
  const escaped = [...wholeJsonForms(text), ...htmlForms(text)];
  return escaped.map((form) => Buffer.from(form).toString("latin1"));
}

function rareForms(text: string): string[] {
  const utf8 = Buffer.from(text);
  return [
    ...[...rareJsonForms(text), ...rareHtmlForms(text)].map((form) => Buffer.from(form).toString("latin1")),
    ...rarePercentForms(utf8),
    ...escapeForms(text),
    // PHP's JSON of Base64
    ...base64Forms(utf8).map((form) => form.replaceAll("/", "\\/")),
  ];
}

/** Base64 that was sent is what gets echoed, so its own `+` and `/` are expected escaped as well. */
function sentBase64Forms(text: string): string[] {
  return base64Forms(Buffer.from(text)).flatMap((form) => [
    form,
    ...jsonForms(form),
    ...percentForms(Buffer.from(form)),
  ]);
}

function isLatin1BeyondAscii(text: string): boolean {
  return /^[\0-\xff]*$/.test(text) && /[\x80-\xff]/.test(text);
}

function searchedTexts(secret: string): string[] {
  const lines = secret.split(/\r\n|\r|\n/);
  if (lines.length === 1) return [secret];
  const ownLines = lines.filter((line) => !isPublicLine(line));
  const [first] = ownLines;
  const last = ownLines.at(-1);
  if (first === undefined || last === undefined) return [];
  const whole = secret.slice(secret.indexOf(first), secret.lastIndexOf(last) + last.length);
  const longLines = ownLines
    .map((line) => line.trim())
    .filter((line) => line.length >= SHORTEST_SEARCHED_LINE);
  return [whole, ...longLines];
}

function isPublicLine(line: string): boolean {
  return PUBLIC_LINE.test(line) || line.startsWith(OPENSSH_HEAD);
}

/** Consecutive pieces that together cover the form; the last one overlaps backwards, so that all are of full size. */
function cutIntoPieces(form: string): string[] {
  if (form.length <= PIECE_BYTES) return [form];
  return pieceStarts(form.length).map((start) => form.slice(start, start + PIECE_BYTES));
}

function pieceStarts(length: number): number[] {
  const count = Math.ceil(length / PIECE_BYTES);
  return Array.from({ length: count }, (_, i) =>
    Math.max(0, Math.min(i * PIECE_BYTES, length - PIECE_BYTES)),
  );
}
