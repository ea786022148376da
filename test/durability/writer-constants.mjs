/** What the writer and the tests that read its vaults must both know. */
export const OLD_PASSWORD = "correct horse battery";
export const NEW_PASSWORD = "staple battery horse";
export const WRONG_PASSWORD = "a wrong password";

/** The lowest cost that a vault file may have: what is tested here is the writing. */
export const CHEAP_KDF_COST = { memoryKib: 8, passes: 1, lanes: 1 };
