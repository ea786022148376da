import { randomBytes } from "node:crypto";
import { expect, test } from "vitest";
import { createLineMaker, UnmadeEntry } from "./audit/entry-members.js";
import { call, keyOf, linesOf, openLogIn } from "./audit/testing/written-log.js";
import { Secret } from "./redaction/secret.js";
import { createSecretMask } from "./scrubbing/secret-mask.js";
import { sealedBefore } from "./server-audit.js";
import { withTemporaryDirectory } from "./vault/testing/temporary-vault.js";

const KEY = "sk-live-0123456789abcdef";
const searched = [{ secret: new Secret(KEY), forms: "common" }] as const;

test.each(["replaced", "removed", "forgotten at a lock"])(
  "what was recorded before a secret is %s is masked",
  async (how) => {
    await withTemporaryDirectory(async (directory) => {
      const log = await openLogIn(directory, { batchMs: 10_000 });
      log.useKey(keyOf("k"));
      const mask = createSecretMask(randomBytes);
      const kept = sealedBefore(log, mask);
      kept.update("api", searched);
      const maker = createLineMaker((text) => mask.mask(text));
      void log.record(new UnmadeEntry(maker, "proxy", { path: `/v1/${KEY}`, decision: "allow" }, undefined));
      if (how === "replaced") kept.update("api", []);
      else if (how === "removed") kept.remove("api");
      else kept.clear();
      void log.record(call(1));
      await log.close();
      const lines = await linesOf(directory);
      expect(lines.join("\n")).not.toContain(KEY);
      expect(lines.at(-2)).toContain('"path":"/v1/***"');
    });
  },
);
