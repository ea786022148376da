/** Every limit of policies that tokens carry, and of tokens that tokens make. Whatever goes beyond one is not issued. */
export const TOKEN_LIMITS = {
  /** Tokens between one and the first that it descends from, both included but for the first. */
  depth: 8,
  /** Valid children of one token. */
  children: 100,
  /** Valid tokens that descend from one that an admin made: nobody else's tokens are crowded out of the vault. */
  descendants: 1000,
  /** Bytes, as JSON, of the policy of its own that an admin gives a token. */
  rulesBytes: 256 * 1024,
  /** The same for one that a token gives its child. */
  childRulesBytes: 16 * 1024,
  /** Of all valid tokens that descend from one that an admin made, together. */
  treeRulesBytes: 1024 * 1024,
} as const;
