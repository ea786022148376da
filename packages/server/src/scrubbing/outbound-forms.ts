import { jsonForms } from "./json-forms.js";
import { LONGEST_SENT_PATTERN, SHORTEST_SECRET } from "./outbound-limits.js";
import { percentForms } from "./percent-forms.js";

/** No encoder changes any of these. */
const SAME_IN_EVERY_FORM = /^[A-Za-z0-9._-]*$/;

/** RFC 7468 §2. What the two lines enclose is the secret; the lines themselves are the same in every key. */
const PEM = /^-----BEGIN [^\r\n]*-----\r?\n([^]*?)\r?\n-----END [^\r\n]*-----$/;

/**
 * The distinct byte sequences in which a secret is searched for in what a caller sends: raw (UTF-8), percent-encoded,
 * JSON-escaped, each with LF and with CRLF if it has several lines. White space around it and a PEM key's first and
 * last line don't count. At most {@link LONGEST_SENT_PATTERN} bytes each, the last ones of the form.
 * None for a secret under {@link SHORTEST_SECRET} characters. The caller wipes the Buffers.
 */
export function outboundForms(secret: string): Buffer[] {
  const trimmed = secret.trim();
  const core = PEM.exec(trimmed)?.[1] ?? trimmed;
  if (core.length < SHORTEST_SECRET) return [];
  if (SAME_IN_EVERY_FORM.test(core)) return [Buffer.from(core.slice(-LONGEST_SENT_PATTERN))];
  const lines = core.replaceAll("\r\n", "\n");
  // No form is shorter than the text, so earlier characters never matter; one more, lest a surrogate pair be cut.
  const end = lines.slice(-(LONGEST_SENT_PATTERN + 1));
  // Latin-1 strings stand for bytes here, so that a Set can tell which are equal.
  const forms = new Set<string>();
  for (const text of [end, end.replaceAll("\n", "\r\n")]) {
    const raw = Buffer.from(text);
    forms.add(raw.toString("latin1"));
    for (const form of jsonForms(text)) forms.add(Buffer.from(form).toString("latin1"));
    for (const form of percentForms(raw)) forms.add(form);
    raw.fill(0);
  }
  return Array.from(forms, (form) => Buffer.from(form.slice(-LONGEST_SENT_PATTERN), "latin1"));
}
