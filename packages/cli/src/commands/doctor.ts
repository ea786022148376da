import type { VaultClient } from "@vault-proxy/client";

import type { CommandContext } from "../command-context.js";
import type { ConfigureCommand } from "../command-definition.js";
import { addDataDirectoryOption, dataDirectory, type DataDirectoryOptions } from "../data-directory.js";
import { fail, warn, type Finding } from "../doctor/finding.js";
import { localFindings } from "../doctor/local-checks.js";
import { serverFindings } from "../doctor/server-checks.js";
import { serviceCallFindings } from "../doctor/service-calls.js";
import { vaultFindings } from "../doctor/vault-checks.js";
import { reasonText } from "../failures.js";
import { addExamples } from "../help-examples.js";
import { readSession } from "../session-file.js";
import { readVersion } from "../version.js";

interface DoctorOptions extends DataDirectoryOptions {
  readonly services?: boolean;
  readonly backup?: string;
}

export const configureDoctor: ConfigureCommand = (command, perform) => {
  command
    .option("--services", "also call each service once, or log in to it")
    .option("--backup <file>", "also look at a backup: is it there, private, not too old?");
  addDataDirectoryOption(command);
  command.addHelpText(
    "after",
    "\nChanges nothing. Each finding is ok, warn or fail, with what mends it. Exits 1 if one is fail.",
  );
  addExamples(command, "% doctor", "% doctor --services", "% doctor --backup /mnt/backup/vault.enc --json");
  command.action((options: DoctorOptions) =>
    perform(async (context) => {
      const findings: Finding[] = [];
      const tell = (found: readonly Finding[]): void => {
        findings.push(...found);
        if (!context.output.json) for (const finding of found) show(context, finding);
      };
      await examine(context, options, tell);
      const failed = findings.filter(({ status }) => status === "fail").length;
      if (context.output.json) context.output.data({ ok: failed === 0, findings });
      return failed === 0 ? undefined : 1;
    }),
  );
};

async function examine(
  context: CommandContext,
  options: DoctorOptions,
  tell: (found: readonly Finding[]) => void,
): Promise<void> {
  const { bin, env, sessionPath } = context;
  const places = { bin, env, sessionPath, dataDir: dataDirectory(options, env), backup: options.backup };
  const local = await localFindings({ ...places, now: Date.now() });
  tell(local);
  const session = await readSession(sessionPath).catch(() => undefined);
  const { findings, health } = await serverFindings(await context.connect("no token"), {
    ...{ bin, version: readVersion(), listenerUid: session?.listenerUid, now: Date.now },
  });
  tell(findings);
  if (health?.status !== "unlocked") return;
  const isSessionBad = local.some(({ check, status }) => check === "session" && status === "fail");
  const client = await connected(context, tell, isSessionBad);
  if (client === undefined) return;
  try {
    tell(await vaultFindings(client, { bin, now: Date.now(), tokenMend: tokenMend(context) }));
    if (options.services !== true) return;
    const { loadPresets } = await import("../presets/preset-catalogue.js");
    tell(await serviceCallFindings(client, await client.listServices(), await loadPresets(), bin));
  } catch (error) {
    tell([fail("token", reasonText(error), tokenMend(context))]);
  }
}

/** Without a session there is nothing to unset. */
function tokenMend({ bin, env }: CommandContext): string {
  return (env.VAULT_TOKEN ?? "") === ""
    ? `${bin} unlock`
    : `unset VAULT_TOKEN, then ${bin} unlock; or set it to an admin's token`;
}

/** @param isSessionBad of what was told already */
async function connected(
  context: CommandContext,
  tell: (found: readonly Finding[]) => void,
  isSessionBad: boolean,
): Promise<VaultClient | undefined> {
  try {
    const client = await context.connect("token");
    if (client.token !== "") return client;
    tell([warn("token", "there is none: nothing more was checked", `${context.bin} unlock`)]);
  } catch (error) {
    if (!isSessionBad) tell([fail("token", reasonText(error), tokenMend(context))]);
  }
  return undefined;
}

function show({ output }: CommandContext, { check, status, message, mend }: Finding): void {
  output.verdict(status, `${check}: ${message}`, status === "ok" ? undefined : mend);
}
