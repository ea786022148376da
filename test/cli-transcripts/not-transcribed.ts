/** Error codes that no transcript shows, and why. */
export const UNREACHABLE_CODES: ReadonlyMap<string, string> = new Map([
  ["locked_out", "takes many attempts, one a second: test/live/brute-force.test.ts"],
  ["destination_blocked", "needs a name of a private address: test/attacks/ssrf.test.ts"],
  ["method_not_allowed", "vault-cli sends no such request"],
  ["unsupported_media_type", "vault-cli sends no such request"],
  ["expectation_failed", "vault-cli sends no such request"],
  ["headers_too_large", "vault-cli sends no such request"],
  ["upgrade_required", "vault-cli sends no such request"],
  ["not_implemented", "vault-cli sends no such request"],
  ["internal", "a defect"],
  ["storage_full", "a full disk: test/durability/full-disk.test.ts"],
  ["audit_unavailable", "a disk that fails: test/live/audit-trail.test.ts"],
  ["unavailable", "a server that is stopping: test/live/lifecycle.test.ts"],
]);

/** Commands that succeed only where a transcript cannot go, and why. */
export const WITHOUT_SUCCESS: ReadonlyMap<string, string> = new Map([
  ["audit follow", "goes on until a signal ends it, which its exit code tells"],
]);

/** Commands that do not fail once a server is there and the command line is right. */
export const WITHOUT_FAILURE: ReadonlyMap<string, string> = new Map([
  ["__complete", "a shell that asks wants words or nothing"],
]);

/** Error codes of vault-cli itself and of its client that no transcript shows, and why. */
export const UNREACHABLE_OWN_CODES: ReadonlyMap<string, string> = new Map([
  ["interrupted", "a signal at the right moment: test/live/interrupted-commands.test.ts"],
  ["internal", "a defect"],
  ["upstream_status", "only of a function of the client that vault-cli does not call"],
]);

/** Errors of vault-cli itself whose sentences no transcript shows, and what they take. */
export const UNREACHABLE_SENTENCES: ReadonlyMap<string, string> = new Map([
  [
    "commands/down.ts: vault-server (pid …) does not stop",
    "a server that hangs for twenty seconds: rare-failures.test.ts",
  ],
  [
    "commands/down.ts: vault-server (pid …) is another user's",
    "a process that this user may not end, and the tests may be root: rare-failures.test.ts",
  ],
  [
    "commands/vault-recovery-key.ts: the answer holds no recovery key of a vault-server",
    "a server that is none: password-commands.test.ts",
  ],
  [
    "commands/vault-recovery-key.ts: the recovery key was made but could not be written, and the one before is void: make another",
    "a reader that is gone: password-commands.test.ts",
  ],
  ["foreground-program.ts: cannot run ", "a program whose interpreter is none: rare-failures.test.ts"],
  [
    "issued-token-check.ts: the answer holds no token of a vault-server",
    "a server that is none: hostile-answers.test.ts",
  ],
  ["listener-check.ts: refused to send … to port ", "another user's listener: listener-check.test.ts"],
  [
    "local-server/server-program.ts: vault-server is not installed",
    "an installation without the server: rare-failures.test.ts",
  ],
  ["local-server/start-server.ts:  is not on this machine", "`up` says so before: rare-failures.test.ts"],
  [
    "login/login-wait.ts: no login within ",
    "a login that waits: login-wait.test.ts, test/oauth/login-command.test.ts",
  ],
  ["password.ts: the two passwords differ; ", "a terminal: unlock.test.ts, password-change.test.ts"],
  [
    "password.ts: nowhere to ask for the password",
    "a terminal that cannot be written to: rare-failures.test.ts",
  ],
  [
    "policies/recorded-actions.ts: the answer is no page of a vault-server's audit log",
    "a server that is none: rare-failures.test.ts",
  ],
  [
    "prompt-health.ts:  does not answer within … s",
    "a listener that says nothing for seconds: prompt-health.test.ts",
  ],
  ["prompt.ts: nothing was changed", "a terminal: destructive-commands.test.ts"],
  ["prompt.ts: cancelled", "a terminal: service-add.test.ts"],
  ["proxied-call.ts: the answer was cut off on the way", "an upstream that breaks off: main.test.ts"],
  [
    "run/agent-variables.ts: SDKs cannot reach the vault by its unix socket",
    "a server at a socket: agent-variables.test.ts",
  ],
  [
    "run/end-session.ts: the admin session could not be ended: ",
    "a server that fails between two requests: rare-failures.test.ts",
  ],
  ["service-add/replaced-service.ts: nothing was changed", "a terminal: service-add.test.ts"],
  ["service-add/summary.ts: nothing was changed", "a terminal: service-add.test.ts"],
  [
    "service-questions.ts: there is no type that all of these flags are for",
    "a terminal: service-add.test.ts",
  ],
  [
    "service-update/service-change.ts:  is of type …, which this version cannot change",
    "a newer server: rare-failures.test.ts",
  ],
  [
    "service-update/service-change.ts: this service has no secret of its own",
    "a terminal: rare-failures.test.ts",
  ],
  [
    "session-probes/postgres-probe.ts: the session asks for a password that it has not told",
    "a session that misbehaves: session-probes.test.ts",
  ],
  [
    "session-probes/postgres-probe.ts: the answer is not PostgreSQL's",
    "a session that misbehaves: session-probes.test.ts",
  ],
  [
    "session-probes/probe-connection.ts: no answer came in time",
    "a session that misbehaves: session-probes.test.ts",
  ],
  [
    "session-probes/probe-connection.ts: more came than an answer to a log-in has",
    "a session that misbehaves: session-probes.test.ts",
  ],
  [
    "session-probes/probe-connection.ts: the connection was closed without an answer",
    "a session that misbehaves: session-probes.test.ts",
  ],
  [
    "session-probes/probe-connection.ts: cannot connect to ",
    "a session that is gone: session-probes.test.ts",
  ],
  [
    "session-probes/scram-client.ts: the log-in to the session went wrong",
    "a session that misbehaves: scram-client.test.ts",
  ],
  [
    "ssh/remote-command.ts: the answer was cut off on the way",
    "a server that ends under way: rare-failures.test.ts",
  ],
]);
