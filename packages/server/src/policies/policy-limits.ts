/** Every limit of policies. A policy beyond one is refused; a path or command beyond one is denied. */
export const POLICY_LIMITS = {
  /** Bytes of a policy as YAML or JSON. */
  textBytes: 256 * 1024,
  /** Brackets within brackets, and YAML's indicators on a line; a policy needs four. */
  nesting: 16,
  /** Blanks in a row that YAML could read as the indentation of a level each. */
  indentation: 128,
  nameCharacters: 64,
  descriptionCharacters: 500,
  rules: 200,
  servicesOfARule: 100,
  serviceNameCharacters: 128,
  methodsOfARule: 32,
  methodCharacters: 32,
  pathsOfARule: 100,
  patternCharacters: 512,
  /** Segments of a pattern. With the next two it bounds what matching one path can cost. */
  patternSegments: 64,
  /** Characters of all patterns of a policy. */
  patternCharactersOfAPolicy: 32 * 1024,
  /** Bytes of a request's path; a longer one is denied. */
  pathBytes: 4096,
  commandsOfARule: 100,
  commandCharacters: 1024,
  remotePathsOfARule: 100,
  remotePathCharacters: 1024,
  /** A cooldown, in milliseconds. */
  cooldownMs: { min: 1000, max: 31 * 86_400_000 },
  /** Timestamps of one minute are kept, eight bytes each: at most 480 KB a token. */
  requestsPerMinute: 60_000,
  concurrent: 10_000,
  uses: 1_000_000_000,
  /** 999 TB: an integer of a structured field has at most 15 digits (RFC 9651 §3.3.1). */
  bytesPerDay: 999e12,
  /** Cooldowns that are remembered for one token; the rules of its policy are fewer. */
  rememberedCooldowns: 1000,
  /**
   * Steps of all comparisons of a child's policy with those above it, up to 2 µs each in a process that never made
   * one, while everybody else waits. What needs more is refused.
   */
  inclusionSteps: 7_000,
  /** The same when learned patterns are compared with each other; beyond it none is taken for needless. */
  learnedInclusionSteps: 2_000_000,
  /** Learned patterns of one method up to which those are sought that others make needless. */
  comparedPatterns: 300,
} as const;
