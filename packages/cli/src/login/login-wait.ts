import { setTimeout as sleep } from "node:timers/promises";
import type { LoginStatus, VaultClient } from "@vault-proxy/client";

import type { CommandContext } from "../command-context.js";
import { parseDuration } from "../duration.js";
import { CliError } from "../failures.js";
import { untilInterrupted } from "../interruption.js";

/** Milliseconds. */
const POLL_MS = 1000;

/** A login that the vault has begun. */
export interface FlowOfLogin {
  readonly flow: string;
  /** RFC 3339: when the vault gives up by itself, where that is known. */
  readonly expires_at?: string;
}

export interface AwaitedLogin<Begun extends FlowOfLogin> {
  readonly begin: (signal: AbortSignal) => Promise<Begun>;
  /** Tells the person how to log in. */
  readonly announce: (begun: Begun) => Promise<void>;
  /** A duration, as the user wrote it. */
  readonly timeout: string | undefined;
}

/**
 * Begins a login and waits until it has ended, however. Interrupted, or after the timeout, it is cancelled at the vault.
 */
export async function waitForLogin<Begun extends FlowOfLogin>(
  context: CommandContext,
  client: VaultClient,
  { begin, announce, timeout }: AwaitedLogin<Begun>,
): Promise<LoginStatus & { readonly flow: string }> {
  const limitMs = timeout === undefined ? undefined : parseDuration(timeout);
  return untilInterrupted(async (interruption) => {
    const login = await begin(interruption);
    const clock = new AbortController();
    const tooLate = new CliError(`no login within ${timeout ?? ""}`, undefined, "timeout");
    const timer = limitMs === undefined ? undefined : setTimeout(() => clock.abort(tooLate), limitMs);
    const signal = AbortSignal.any([interruption, clock.signal]);
    try {
      await announce(login);
      return { ...(await pollLogin(client, login, signal)), flow: login.flow };
    } catch (error) {
      if (!signal.aborted) throw error;
      const outcome = await cancel(context, client, login);
      // What ended in the same moment has its own outcome.
      if (outcome === undefined) throw signal.reason;
      return { ...outcome, flow: login.flow };
    } finally {
      clearTimeout(timer);
    }
  });
}

/** Asks again and again until the login has ended. @throws the signal's reason */
export async function pollLogin(
  client: VaultClient,
  login: FlowOfLogin,
  signal?: AbortSignal,
): Promise<LoginStatus> {
  for (;;) {
    const status = await loginStatus(client, login, signal).catch((error: unknown) => {
      // A vault that is not reached for a moment may still have the login.
      if (codeOf(error) !== "connection_failed" || !isStillGood(login)) throw error;
      return undefined;
    });
    if (status !== undefined && status.status !== "pending") return status;
    await sleep(POLL_MS, undefined, signal === undefined ? {} : { signal });
  }
}

/** @throws CliError for a login that the vault does not know */
export async function loginStatus(
  client: VaultClient,
  { flow }: FlowOfLogin,
  signal?: AbortSignal,
): Promise<LoginStatus> {
  return client.oauthFlow(flow, { signal }).catch((error: unknown) => {
    if (codeOf(error) !== "not_found") throw error;
    throw new CliError(
      "the vault does not know this login",
      "it forgets logins when it is locked or restarted, and ended ones after five minutes; log in again",
      "not_found",
    );
  });
}

function isStillGood({ expires_at: until }: FlowOfLogin): boolean {
  return until !== undefined && Date.now() < Date.parse(until);
}

/** How the login ended, if it had ended before it could be cancelled. */
async function cancel(
  context: CommandContext,
  client: VaultClient,
  login: FlowOfLogin,
): Promise<LoginStatus | undefined> {
  try {
    await client.cancelOauthFlow(login.flow);
    return undefined;
  } catch (error) {
    if (codeOf(error) === "not_found") {
      const status = await client.oauthFlow(login.flow).catch(() => undefined);
      if (status?.status === "done") return status;
      return undefined;
    }
    context.output.warn(
      `the vault could not be told; the login stays good until ${login.expires_at ?? "it expires"}`,
    );
    return undefined;
  }
}

function codeOf(error: unknown): unknown {
  return error instanceof Error && "code" in error ? error.code : undefined;
}
