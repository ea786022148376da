import type { Fields } from "./raw-answer.js";

/*
 * What docs/http.md says must reach the upstream, written down once more: with regular expressions and repeated
 * replacing where the server has tables and one pass.
 */

/** Never from a caller to an upstream; also what the service injects, which is `authorization` here. */
export const AUTH_CLASS =
  /^(?:authorization|proxy-authorization|x-vault-token|x-api-key|api-key|apikey|x-goog-api-key|x-auth-token|x-access-token|private-token)$/;

const DROPPED = new RegExp(
  "^(?:connection|keep-alive|te|trailer|transfer-encoding|upgrade|http2-settings|content-length|expect|host|cookie|cookie2|forwarded)$" +
    "|^x-(?:(?:original|rewrite)-ur[il]|original-host|override-url|http-host-override|envoy-original-path)$" +
    "|^(?:x-vault-|x-forwarded-|proxy-)",
);

export function canonicalName(name: string): string {
  return name.toLowerCase().replace(/[._]/g, "-");
}

export function expectedFields(sent: Fields): Fields {
  const named = sent
    .filter(([name]) => name.toLowerCase() === "connection")
    .flatMap(([, value]) => value.split(","))
    .map((option) => canonicalName(option.trim()))
    .filter((option) => !["", "close", "keep-alive"].includes(option));
  return sent
    .filter(([name]) => {
      const canonical = canonicalName(name);
      return !AUTH_CLASS.test(canonical) && !DROPPED.test(canonical) && !named.includes(canonical);
    })
    .map(([name, value]) => [name, value.replace(/^[ \t]+|[ \t]+$/g, "")]);
}

/**
 * @param written a request target in Latin-1
 * @returns the upstream's target, "refused", or "either" with the target if it is passed on
 */
export function expectedTarget(
  written: string,
  service: string,
  basePath: string,
): { verdict: "passed" | "either"; target: string } | { verdict: "refused" } {
  const refused = { verdict: "refused" } as const;
  // More than one space may stand around a target (RFC 9112 §3).
  const target = written.replace(/^ +| +$/g, "");
  if (/[\0-\x20\x7f#]/.test(target)) return refused;
  const [, path, , query] = /^(?:https?:\/\/[^/?#]*)?\/proxy\/([^?]*)(\?(.*))?$/is.exec(target) ?? [];
  if (path === undefined) return refused;
  const [name = "", ...segments] = path.split("/");
  if (name !== service || segments.some((segment) => /[\x80-\xff]/.test(segment))) return refused;
  if (hasDotSegment(segments.join("/"))) return refused;
  const rest = segments.length === 0 ? "" : `/${segments.join("/")}`;
  const out = `${basePath}${rest}${query === undefined ? "" : `?${query}`}`;
  return {
    verdict: target !== written || /[\x80-\xff]/.test(query ?? "") ? "either" : "passed",
    target: out,
  };
}

function hasDotSegment(path: string): boolean {
  let decoded = path;
  for (let before = ""; before !== decoded;) {
    before = decoded;
    decoded = decoded
      .replace(/%([0-9a-f]{2})/gi, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)))
      .replace(/%u00([0-9a-f]{2})/gi, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)))
      .replace(
        // Overlong UTF-8 of two to six bytes.
        /(?:[\xc0\xc1]|(?:\xe0|\xf0\x80|\xf8\x80{2}|\xfc\x80{3})[\x80\x81])[\x80-\xbf]/g,
        (bytes) =>
          String.fromCharCode(
            ((bytes.charCodeAt(bytes.length - 2) & 1) << 6) | (bytes.charCodeAt(bytes.length - 1) & 0x3f),
          ),
      );
  }
  return decoded.split(/[/\\]/).some((segment) => {
    const dropped = segment.replace(/[\t\r\n]/g, "");
    // Cut where some upstream may see its end; each NUL may be such an end, or vanish.
    const beforeEnd = dropped.split(/[;?#]/, 1)[0] ?? "";
    const ends = Array.from(beforeEnd.matchAll(/\0|$/g), ({ index }) => index);
    const readings = ends.map((end) => beforeEnd.slice(0, end).replaceAll("\0", ""));
    return readings.some((reading) => reading === "." || reading === "..");
  });
}
