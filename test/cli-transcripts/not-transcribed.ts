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
