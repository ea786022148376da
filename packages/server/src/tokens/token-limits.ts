/** Every limit of tokens that tokens make. Whatever goes beyond one is not issued. */
export const TOKEN_LIMITS = {
  /** Tokens between one and the first that it descends from, both included but for the first. */
  depth: 8,
  /** Valid children of one token. */
  children: 100,
  /** Valid tokens that descend from one that an admin made: nobody else's tokens are crowded out of the vault. */
  descendants: 1000,
} as const;
