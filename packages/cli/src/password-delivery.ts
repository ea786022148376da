import type { VaultClient } from "@vault-proxy/client";
import type { Command } from "commander";

import type { CommandContext } from "./command-context.js";
import { sessionAddress } from "./connection.js";
import { CliError, UsageError } from "./failures.js";
import { readSession } from "./session-file.js";

export interface DeliveryOptions {
  readonly listenerUid?: string;
}

/** The options of every command that sends the password. */
export function addPasswordOptions(command: Command, more = ""): Command {
  return command
    .option("--password-file <file>", "take the password from the first line of a file")
    .option("--listener-uid <uid>", `trust a loopback listener of this user id, or of \`any\`${more}`);
}

export function assertListenerUid({ listenerUid }: DeliveryOptions): void {
  if (listenerUid !== undefined && !/^(\d+|any)$/.test(listenerUid)) {
    throw new UsageError("--listener-uid takes a number or `any`");
  }
}

/** Before a password goes to a loopback port: whoever listens there must be trusted, or it is not even asked for. */
export async function assertPasswordMayGo(
  client: VaultClient,
  listenerUid: string | undefined,
): Promise<void> {
  const { assertTrustedListener } = await import("./listener-check.js");
  await assertTrustedListener(client.addr, listenerUid, {
    secret: "the password",
    advice: "if that is where vault-server runs, pass --listener-uid",
  });
}

/** A client with a token for an unlocked vault, to whose listener a password may go. */
export async function connectForPassword(
  context: CommandContext,
  options: DeliveryOptions,
): Promise<VaultClient> {
  assertListenerUid(options);
  const client = await context.connect("token");
  const { status } = await client.healthDetails();
  await assertPasswordMayGo(client, options.listenerUid ?? (await rememberedUid(context, client)));
  if (status === "locked") throw new CliError("vault is locked", `run \`${context.bin} unlock\``);
  return client;
}

/** What `unlock --listener-uid` was told of the same address. */
async function rememberedUid(context: CommandContext, client: VaultClient): Promise<string | undefined> {
  const session = await readSession(context.sessionPath).catch(() => undefined);
  return session?.address === sessionAddress(client) ? session.listenerUid : undefined;
}

/**
 * Here 401 is about the password; the usual advice would be to unlock. One about the token is told as it is.
 * @param hint for a password that may be right, of a file that may be damaged
 */
export function toPasswordRefusal(error: unknown, hint?: string): unknown {
  return isWrongPassword(error)
    ? new CliError(error.message, error.message.includes("damaged") ? hint : undefined, "unauthorized")
    : error;
}

function isWrongPassword(error: unknown): error is Error {
  return (
    error instanceof Error &&
    "status" in error &&
    error.status === 401 &&
    error.message.startsWith("wrong password")
  );
}
