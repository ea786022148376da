/**
 * `Destination` of WebDAV's COPY and MOVE (RFC 4918 §10.3), and the fields by which object stores are told what to copy or
 * rename: those of S3 and what is made after it, Azure's, and Swift's. `_` and `.` stand for `-`, as an upstream may read
 * them.
 */
const RESOURCE_FIELD = /^(?:destination|x[-_.]copy[-_.]from|x[-_.][a-z]+[-_.](?:copy|rename)[-_.]source)$/i;

/**
 * Whether a header names one more resource than the request's target does, from or to which something is copied or moved.
 *
 * @param rawHeaders flat: name, value, name, value …
 */
export function namesAnotherResource(rawHeaders: readonly string[]): boolean {
  return rawHeaders.some((name, index) => index % 2 === 0 && RESOURCE_FIELD.test(name));
}
