/** Every limit of the control plane, in bytes or as said. A request beyond one is refused as a whole. */
export const HTTP_API_LIMITS = {
  /** A JSON body. */
  jsonBodyBytes: 1024 * 1024,
  /** A stored file. */
  fileBytes: 5 * 1024 * 1024,
  /** What a multipart body may need besides the file: boundaries, part headers, the name. */
  multipartOverheadBytes: 64 * 1024,
  /** The headers of one part of a multipart body that is read as it comes. */
  partHeaderBytes: 8 * 1024,
  /** A part of it that is text. */
  textPartBytes: 16 * 1024,
  /** Characters of a stored file's name. */
  fileNameCharacters: 255,
  /** Characters of a stored file's media type; a longer one is not kept. */
  mediaTypeCharacters: 127,
  /** Characters of a token's name. */
  tokenNameCharacters: 128,
  /** Characters of a token or prefix in a path, a trailing `...` included. */
  tokenIdCharacters: 64,
  /** Characters of a login's name in a path. */
  flowIdCharacters: 64,
  /** How long a token may live, in milliseconds: ten years. */
  tokenLifetimeMs: 10 * 366 * 86_400_000,
  /** The least of a token that a token makes: shorter ones would make room for the next as soon as they are saved. */
  childLifetimeMs: 1000,
  /** Requests for a child in any minute, of a token and all that descend from the same one. */
  childRequestsPerMinute: 60,
  /** Entries of the audit log in one answer, and where the request does not say how many. */
  auditEntries: 1000,
  auditPage: 100,
  /** Characters of what the audit log is filtered by. */
  auditFilterCharacters: 256,
  /** Faults of a body that one answer names. */
  namedFaults: 3,
  /** Characters of a field name that an answer repeats; a longer one may be a value in the wrong place. */
  namedFieldCharacters: 24,
} as const;
