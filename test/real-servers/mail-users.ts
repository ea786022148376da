/** What the mail servers of the tests know: one password for each thing that may go wrong with one, and one OAuth user. */
export const MAIL_PASSWORDS = {
  "plain@mail.test": "just-letters-and-1-digit",
  "quotes@mail.test": `she said "no", he said 'yes'`,
  "backslashes@mail.test": String.raw`C:\new\"folder"\ `.trim(),
  "spaces@mail.test": "  two before, two after  ",
  "unicode@mail.test": "p\u00e4ssw\u00f6rd \u0441\u043b\u043e\u0432\u043e \u5bc6\u7801 \u{1f511}",
  /** What would be syntax in IMAP or SMTP outside of a string. */
  "syntax@mail.test": "{5+} (a) * %x ] = + ~ . % : # & NIL",
  "long@mail.test": "abcdefghij".repeat(20),
} as const satisfies Readonly<Record<string, string>>;

export type MailUser = keyof typeof MAIL_PASSWORDS;

/** Has no password: logs in with what the token introspection calls active. */
export const OAUTH_USER = "oauth@mail.test";
