import type { TestSpecification } from "vitest/node";
import { BaseSequencer } from "vitest/node";

/** What takes longest, each begun as early as it can be, so that no processor is idle at the end of a run. */
const LONGEST = [
  "test/durability/kill.test.ts",
  "test/docs/executed.test.ts",
  "test/docs/help-examples.test.ts",
  "test/cli-transcripts/transcripts.test.ts",
  "test/attacks/fuzz.test.ts",
  "test/durability/every-syscall.test.ts",
  "test/attacks/ssrf.test.ts",
  "test/live/brute-force.test.ts",
  "test/live/vault-commands.test.ts",
  "test/live/vault-surroundings.test.ts",
  "test/docs/sessions.test.ts",
  "test/live/lifecycle.test.ts",
  "test/conformance/conformance.test.ts",
  "test/attacks/browser.test.ts",
  "test/oauth/refresh.test.ts",
  "test/oauth/rotation-crash.test.ts",
  "test/durability/full-disk.test.ts",
  "test/oauth/browser-flow.test.ts",
  "test/real-servers/dovecot.test.ts",
  "test/live/run-command.test.ts",
  "test/oauth/login-command.test.ts",
  "test/sessions/service-commands.test.ts",
  "test/live/hostile-peers.test.ts",
  "test/policies/learn-live.test.ts",
  "test/live/presets.test.ts",
  "test/packages/npm-packages.test.ts",
  "test/live/sessions.test.ts",
  "test/live/metrics.test.ts",
  "test/policies/enforcement.test.ts",
  "test/ssh/cli-services.test.ts",
  "test/live/large-vaults.test.ts",
  "packages/server/src/ssh/ssh-connection-pool.test.ts",
  "packages/cli/src/main.test.ts",
  "packages/server/src/auth-strategies/ssh-private-key.test.ts",
  "packages/server/src/vault/vault.go-import.test.ts",
  "packages/server/src/ssh/command-run.test.ts",
];

/** The longest first, then what runs whole programs, then the tests beside the sources, which are short. */
export class LongestFirstSequencer extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const rank = (file: TestSpecification): number => {
      const place = LONGEST.findIndex((path) => file.moduleId.endsWith(`/${path}`));
      if (place >= 0) return place;
      return LONGEST.length + (file.project.name === "sources" ? 1 : 0);
    };
    const sorted = await super.sort(files);
    // Those of a package stay together: what they share is loaded once.
    return sorted.sort((one, other) => rank(one) - rank(other));
  }
}
