import type { Health, VaultClient } from "@vault-proxy/client";

import { assertTrustedListener, loopbackPort } from "../listener-check.js";
import { describeFailure, isNobodyThere } from "../failures.js";
import { HEALTH_TIMEOUT_MS, promptHealth } from "../prompt-health.js";
import { spanText } from "../relative-time.js";
import { fail, ok, warn, type Finding } from "./finding.js";

/** Beyond this, times that are computed here and judged there go wrong. */
const CLOCK_TOLERANCE_MS = 30_000;

export interface ServerFindings {
  readonly findings: Finding[];
  /** Undefined when the server does not answer. */
  readonly health?: Health;
}

export interface ServerCheckContext {
  readonly bin: string;
  /** Of this program. */
  readonly version: string;
  readonly listenerUid: string | undefined;
  readonly now: () => number;
}

/** What a server tells without a token. @param client without one */
export async function serverFindings(
  client: VaultClient,
  context: ServerCheckContext,
): Promise<ServerFindings> {
  const { bin, version } = context;
  let health: Health;
  let offset: number | undefined;
  try {
    health = await promptHealth(client);
    const sentAt = context.now();
    const response = await client.do("GET", "/health", undefined, { timeoutMs: HEALTH_TIMEOUT_MS });
    offset = clockOffset(response.headers.get("date"), sentAt, context.now());
    await response.body?.cancel();
  } catch (error) {
    return { findings: [unansweredFinding(client, error, bin)] };
  }
  return {
    health,
    findings: [
      ok("server", `${client.addr} answers`),
      ...(await listenerFindings(client, context.listenerUid)),
      health.version === version
        ? ok("version", `server and ${bin} have version ${version}`)
        : warn(
            "version",
            `the server has version ${health.version}, ${bin} ${version}`,
            "install the same version of both",
          ),
      ...clockFindings(offset),
      vaultFinding(health, bin),
    ],
  };
}

/** Starting a server mends only that there is none. */
function unansweredFinding({ addr }: VaultClient, error: unknown, bin: string): Finding {
  const { message, hint } = describeFailure(error, { bin, tokenFromEnvironment: false });
  const elsewhere = "check VAULT_ADDR, and that vault-server runs there";
  if (!isNobodyThere(error)) return fail("server", message, hint ?? elsewhere);
  const isLocal = addr.startsWith("unix:") || loopbackPort(addr) !== undefined;
  return fail("server", `${addr} does not answer: ${message}`, isLocal ? `${bin} up` : elsewhere);
}

async function listenerFindings(client: VaultClient, listenerUid: string | undefined): Promise<Finding[]> {
  if (process.platform !== "linux" || loopbackPort(client.addr) === undefined) return [];
  const advice = "if that is where vault-server runs, unlock with --listener-uid";
  try {
    await assertTrustedListener(client.addr, listenerUid, { secret: "secrets", advice });
    return [ok("listener", "the port is held by you or root, or by whom you trust")];
  } catch (error) {
    return [fail("listener", error instanceof Error ? error.message : "unknown listener", advice)];
  }
}

/** Milliseconds that the server's clock is ahead; undefined where it does not tell. Its time has whole seconds. */
export function clockOffset(date: string | null, sentAt: number, receivedAt: number): number | undefined {
  const server = Date.parse(date ?? "");
  if (Number.isNaN(server)) return undefined;
  if (server + 1000 < sentAt) return server + 1000 - sentAt;
  return server > receivedAt ? server - receivedAt : 0;
}

function clockFindings(offset: number | undefined): Finding[] {
  if (offset === undefined) return [];
  if (Math.abs(offset) <= CLOCK_TOLERANCE_MS) return [ok("clock", "the server has the same time")];
  const size = Math.abs(offset);
  const span = size < 120_000 ? `${Math.round(size / 1000)} s` : spanText(size);
  const by = `${span} ${offset > 0 ? "ahead" : "behind"}`;
  return [
    warn("clock", `the server's clock is ${by}: tokens end at other times than shown`, "set the clocks"),
  ];
}

function vaultFinding({ status, initialized }: Health, bin: string): Finding {
  if (!initialized) return warn("vault", "there is no vault yet", `${bin} unlock`);
  if (status === "locked")
    return warn("vault", "the vault is locked: nothing more was checked", `${bin} unlock`);
  return ok("vault", "the vault is unlocked");
}
