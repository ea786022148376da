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
import { readSession, writeSession, type Session } from "./session-file.js";

const LONGEST_WAIT_SECONDS = 2;

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
  const unlock = (): Promise<IssuedToken> => client.unlockWithDetails(password, { idleTimeout });
  const session = await unlock()
    .catch((error: unknown) => afterShortWait(context, error, unlock))
    .catch((error: unknown) => {
      throw toPasswordRefusal(error, `if the password is right, \`${context.bin} doctor\` tells of the file`);
    });
  assertTokenId(session);
  // One that cannot be read is not known to be of this vault.
  const former = await readSession(context.sessionPath).catch(() => undefined);
  await writeSession(context.sessionPath, {
    token: session.id,
    address: sessionAddress(client),
    listenerUid: options.listenerUid,
  });
  await endFormerSession(client, former, session);
  return session;
}

/**
 * Nobody should have to wait for the second that follows a wrong password by hand.
 * @throws what was thrown first, where the wait would be longer
 */
async function afterShortWait(
  { output }: CommandContext,
  error: unknown,
  unlock: () => Promise<IssuedToken>,
): Promise<IssuedToken> {
  const seconds = error instanceof Error && "retryAfter" in error ? error.retryAfter : undefined;
  if (typeof seconds !== "number" || seconds > LONGEST_WAIT_SECONDS) throw error;
  output.note(`Another attempt is allowed in ${seconds} s: waiting.`);
  await new Promise((resolve) => setTimeout(resolve, seconds * 1000));
  return unlock();
}

/**
 * The admin token that the new one took the place of: nobody would end it any more. It goes where the password went.
 * One that cannot be ended is not told of: the vault is unlocked.
 */
async function endFormerSession(
  client: VaultClient,
  former: Session | undefined,
  { id }: IssuedToken,
): Promise<void> {
  if (former?.address !== sessionAddress(client) || former.token === id) return;
  const { token } = client;
  client.token = former.token;
  const { giveUpToken } = await import("./run/agent-token.js");
  await giveUpToken(client);
  client.token = token;
}

/** @returns undefined for `off` */
function idleTimeoutOf(text: string): string | undefined {
  if (text === "off") return undefined;
  if (parseDuration(text) < 1000) {
    throw new UsageError("--idle-timeout must be at least 1s", "`off` lets the session be idle");
  }
  return goDuration(text);
}
