/** What a quoted-string can hold so that every browser reads it alike (RFC 6266 appendix D). */
const PLAIN = /^[\x20-\x7e]*$/;
const MISREAD = /["%\\]/;

/**
 * `Content-Disposition: attachment` for a file name (RFC 6266 §4). A name that is not plain ASCII is given twice: with
 * `_` for what old clients cannot read, and in UTF-8 (RFC 8187 §3.2). The name must be well-formed Unicode.
 */
export function attachmentDisposition(fileName: string): string {
  if (PLAIN.test(fileName) && !MISREAD.test(fileName)) return `attachment; filename="${fileName}"`;
  const fallback = fileName.replaceAll(/[^\x20-\x7e]|["%\\]/gu, "_");
  return `attachment; filename="${fallback}"; filename*=UTF-8''${extendedValue(fileName)}`;
}

/** RFC 8187 §3.2.1: `attr-char` lacks four characters that `encodeURIComponent` leaves as they are. */
function extendedValue(text: string): string {
  return encodeURIComponent(text).replaceAll(
    /['()*]/g,
    (character) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`,
  );
}
