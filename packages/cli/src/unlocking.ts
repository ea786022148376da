import type { IssuedToken, VaultClient } from "@vault-proxy/client";
import type { Command } from "commander";

import type { CommandContext } from "./command-context.js";
import { sessionAddress } from "./connection.js";
import { goDuration, parseDuration } from "./duration.js";
import { UsageError } from "./failures.js";
import { assertTokenId } from "./issued-token-check.js";
import {
  addPasswordOptions,
  assertListenerUid,
  assertPasswordMayGo,
  toPasswordRefusal,
} from "./password-delivery.js";
import { promptHealth } from "./prompt-health.js";
import { readFirstPassword, readPassword } from "./password.js";
import { writeSession } from "./session-file.js";

export interface UnlockOptions {
  readonly passwordFile?: string;
  readonly listenerUid?: string;
  readonly idleTimeout: string;
}

/** The options of every command that unlocks. */
export function addUnlockOptions(command: Command): Command {
  return addPasswordOptions(command, "; the session remembers it").option(
    "--idle-timeout <duration>",
    "end the session when it was not used for so long, or `off`",
    "15m",
  );
}

/** @throws UsageError */
export function assertUnlockOptions(options: UnlockOptions): void {
  assertListenerUid(options);
  idleTimeoutOf(options.idleTimeout);
}

/** Asks for the password, unlocks or creates the vault, and saves the session. @param client without a token */
export async function unlockAndSave(
  context: CommandContext,
  client: VaultClient,
  options: UnlockOptions,
): Promise<IssuedToken> {
  const idleTimeout = idleTimeoutOf(options.idleTimeout);
  const { initialized } = await promptHealth(client);
  await assertPasswordMayGo(client, options.listenerUid);
  const password = await (initialized ? readPassword : readFirstPassword)(context, options);
  const session = await client.unlockWithDetails(password, { idleTimeout }).catch((error: unknown) => {
    throw toPasswordRefusal(error, `if the password is right, \`${context.bin} doctor\` tells of the file`);
  });
  assertTokenId(session);
  await writeSession(context.sessionPath, {
    token: session.id,
    address: sessionAddress(client),
    listenerUid: options.listenerUid,
  });
  return session;
}

/** @returns undefined for `off` */
function idleTimeoutOf(text: string): string | undefined {
  if (text === "off") return undefined;
  if (parseDuration(text) < 1000) {
    throw new UsageError("--idle-timeout must be at least 1s", "`off` lets the session be idle");
  }
  return goDuration(text);
}
