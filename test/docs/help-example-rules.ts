/** Examples that are not run, and why. */
export const NOT_RUN: ReadonlyMap<string, string> = new Map([
  [
    "vault-cli up --addr http://127.0.0.1:9000",
    "a second server of one data directory: test/live/up.test.ts",
  ],
  ["vault-cli oauth status --wait 3q2-7w…", "a person has to log in at a provider: test/oauth"],
  [
    "vault-cli oauth login gitlab --device --client-id ID --client-auth none --scope read_api",
    "the vault calls the provider at once: test/oauth",
  ],
  ["vault-cli audit --follow --denied", "goes on until Ctrl-C: transcript 09"],
  ["vault-cli audit follow", "goes on until Ctrl-C: transcript 09"],
  ["vault-cli audit follow --since 1h", "goes on until Ctrl-C: transcript 09"],
  ["vault-cli audit follow --denied --json", "goes on until Ctrl-C: transcript 09"],
  ["vault-cli ssh box                               # a terminal", "needs a terminal: test/ssh"],
]);

/** Those that end otherwise than with 0, as no such server answers here: of test/sessions. */
export const EXIT_CODES: ReadonlyMap<string, number> = new Map([
  ["vault-cli service test orders", 1],
  ["vault-cli doctor --services", 1],
]);

/** What is added to the words of an example: no terminal asks, no API of others is called, nobody logs in. */
export const ADDED: readonly (readonly [RegExp, readonly string[]])[] = [
  [
    /^service add (?!.*--(?:secret|oauth-service|from-json|service-account|github-app|ssh-key))/,
    ["--secret-stdin"],
  ],
  [/^service add .*--test/, ["--base-url", "{upstream}", "--allow-private", "--tls-ca", "{ca}"]],
  [/^service update openai$/, ["--secret-stdin"]],
  [/^oauth login /, ["--no-wait"]],
  [/^oauth login (?:github|jira)/, ["--client-secret-stdin"]],
];
