/** Every limit of logins at providers. Times are in milliseconds unless said otherwise. */
export const FLOW_LIMITS = {
  /** Logins under way, of either kind, that wait for a person; one more drops the oldest. */
  pending: 10,
  /** Logins whose code is being exchanged, which are not dropped; more of them count as if they waited. */
  exchanges: 10,
  /** How long a login in a browser may take. */
  browserMs: 5 * 60_000,
  /** The longest that a login on another device may take, whatever the provider says. */
  deviceMs: 30 * 60_000,
  /** How long it can be asked how a login ended. */
  outcomeMs: 5 * 60_000,
  outcomes: 50,
  /** Bytes of a `state` and of a flow's id: 256 random bits each. */
  identifierBytes: 32,
  /** Characters of the callback's query; providers' codes have up to some 2,000. */
  callbackCharacters: 16_384,
  /** Characters of a provider's text that a page shows. */
  shownCharacters: 300,
  /** Characters of an endpoint's or a redirect URI. */
  urlCharacters: 2_048,
  /**
   * How long a device flow waits between two questions (RFC 8628 §3.2, §3.5): without a word from the provider, at
   * least and at most, and at most after a failure, which doubles it; and what each `slow_down` adds.
   */
  pollMs: { usual: 5_000, least: 1_000, most: 300_000, mostAfterFailure: 60_000, slowDown: 5_000 },
  /** Characters of what a person reads and types for a device flow. */
  userCodeCharacters: 64,
} as const;
