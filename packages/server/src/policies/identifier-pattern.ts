const UUID = /^[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}$/i;
const NUMBER = /^\d+$/;
const DATE = /^\d{4}-\d{2}(?:-\d{2}(?:[T ].*)?)?$/;
const HASH = /^(?=.*\d)(?=.*[a-f])[0-9a-f]{7,128}$/i;
/** Identifiers in capitals with digits among them, such as a channel's. */
const CAPITALS = /^(?=.*\d)(?=.*[A-Z])[A-Z0-9]{8,}$/;
/** Random text: long, with digits and both cases of letters. */
const RANDOM = /^(?=.*\d)(?=.*[a-z])(?=.*[A-Z])[A-Za-z0-9_=-]{10,}$/;
/** What follows a telling start: `cus_NffrFeUfNV2Hib`, `PROJ-123`. */
const AFTER_PREFIX = /^([a-z]{2,12}_)(?=.*\d)[A-Za-z0-9]{6,}$|^([A-Z][A-Z0-9]{1,15}-)\d+$/;
const WITH_EXTENSION = /^(.+)(\.[a-z][a-z0-9]{0,7})$/i;

/** After one of these, a small number is a version of the interface and not somebody's identifier. */
const BEFORE_VERSION = /^(?:api|rest)$/i;

/**
 * The pattern that stands for a segment and others of its kind: with `*` in place of a number, UUID, hash, date or
 * other identifier; else the segment itself.
 *
 * @param segment as sent
 * @param previous the segment before it, if there is one
 */
export function identifierPattern(segment: string, previous?: string): string {
  if (/^\d{1,2}$/.test(segment) && previous !== undefined && BEFORE_VERSION.test(previous)) return segment;
  const [, name, key] = AFTER_PREFIX.exec(segment) ?? [];
  if (name !== undefined || key !== undefined) return `${name ?? key ?? ""}*`;
  if (isIdentifier(segment)) return "*";
  const [, stem = "", extension = ""] = WITH_EXTENSION.exec(segment) ?? [];
  if (isIdentifier(stem)) return `*${extension}`;
  return segment;
}

export function isIdentifier(text: string): boolean {
  return [NUMBER, UUID, DATE, HASH, CAPITALS, RANDOM].some((kind) => kind.test(text));
}
