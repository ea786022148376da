import type { ServiceInfo, VaultClient } from "@vault-proxy/client";

import type { CommandContext } from "../command-context.js";
import { CliError, describeFailure } from "../failures.js";
import { loadPresets } from "../presets/preset-catalogue.js";
import { presetOfNamesake } from "../presets/service-preset.js";
import type { CheckOutcome } from "../service-check/check-outcome.js";
import { isSessionType } from "../session-types/registry.js";
import { addServiceWithKey } from "../ssh/key-upload.js";
import type { GivenService } from "./given-service.js";
import { tellOfReplaced } from "./replaced-service.js";
import { nextSteps } from "./next-steps.js";
import { untilTaken } from "./second-try.js";
import { showSummary } from "./summary.js";

/** What is done with a service that was stored. */
export interface Afterwards {
  readonly test: boolean;
  /** Whether a test that fails makes the exit code 1. */
  readonly testCounts: boolean;
  /** Whether to say what changed of a service that was there: a person who was asked knows it. */
  readonly tellReplaced: boolean;
  /** Whether to say what was stored, unless that was shown before. */
  readonly tellStored: boolean;
  /** Whether to say how an agent uses it. */
  readonly tellNextSteps: boolean;
}

/** A service that was stored, and what it was made of in the end. */
interface TakenService extends GivenService {
  readonly service: ServiceInfo;
}

/** Stores what was given, one after another, then tests it. Resolves with the exit code. */
export async function storeServices(
  context: CommandContext,
  client: VaultClient,
  given: readonly GivenService[],
  afterwards: Afterwards,
): Promise<number | undefined> {
  const { output } = context;
  const taken = await storeAll(context, client, given);
  const stored = taken.map(({ service }) => service);
  if (!output.json) {
    output.confirm(stored.length === 1 ? "Service added." : `${stored.length} services added.`);
    if (afterwards.tellStored) tellOfStored(context, taken);
    for (const [index, service] of stored.entries()) {
      const before = taken[index]?.replaces;
      if (before !== undefined && afterwards.tellReplaced) tellOfReplaced(context, before, service);
    }
    for (const warning of stored.flatMap(({ warnings }) => warnings ?? [])) output.warn(warning);
  }
  const shown: object[] = [];
  let failed = false;
  for (const one of taken) {
    const { service, preset } = one;
    const outcome = afterwards.test ? await testedService(context, client, one) : undefined;
    failed ||= outcome?.ok === false;
    shown.push(outcome === undefined ? service : { ...service, test: outcome.data });
    if (output.json) continue;
    if (outcome !== undefined) tell(context, service.name, outcome);
    else if (canBeTried(service)) output.note(`Try it: ${context.bin} service test ${service.name}`);
    if (!afterwards.tellNextSteps || stored.length > 1 || outcome?.ok === false) continue;
    output.note("");
    output.note("For an agent:");
    for (const line of nextSteps({ service, preset, vaultAddress: client.addr, bin: context.bin })) {
      output.note(line);
    }
  }
  if (output.json) output.data(shown.length === 1 ? shown[0] : shown);
  return failed && afterwards.testCounts ? 1 : undefined;
}

function tellOfStored(context: CommandContext, given: readonly GivenService[]): void {
  for (const { definition, preset, isConfirmed } of given) {
    if (isConfirmed !== true) showSummary(context, definition, preset?.preset.title);
  }
}

async function testedService(
  context: CommandContext,
  client: VaultClient,
  taken: TakenService,
): Promise<CheckOutcome | undefined> {
  const outcome = await checked(context, client, taken.service, taken.preset);
  return untilTaken(context, taken, outcome, async (again) => {
    const { service, preset } = await storeOne(client, again);
    return checked(context, client, service, preset);
  });
}

/** Tests one service that is stored, and tells of it; under `--json` of the service too. Resolves with the exit code. */
export async function checkAfterwards(
  context: CommandContext,
  client: VaultClient,
  service: ServiceInfo,
  { test, testCounts }: Pick<Afterwards, "test" | "testCounts">,
): Promise<number | undefined> {
  const preset = test ? await presetOfNamesake(await loadPresets(), service) : undefined;
  const outcome = test ? await checked(context, client, service, preset) : undefined;
  if (context.output.json)
    context.output.data(outcome === undefined ? service : { ...service, test: outcome.data });
  else if (outcome !== undefined) tell(context, service.name, outcome);
  return outcome?.ok === false && testCounts ? 1 : undefined;
}

async function storeAll(
  context: CommandContext,
  client: VaultClient,
  given: readonly GivenService[],
): Promise<TakenService[]> {
  const stored: TakenService[] = [];
  for (const one of given) {
    const { definition } = one;
    try {
      stored.push(await storeOne(client, one));
    } catch (error) {
      if (given.length === 1) throw error;
      const { message, hint, code } = describe(context, error);
      const place = `service ${stored.length + 1} of ${given.length}, ${definition.name}`;
      const before = stored.map(({ service }) => service.name).join(", ");
      const left = before === "" ? "none was added" : `added before it: ${before}`;
      throw new CliError(`${place}: ${message}`, hint === undefined ? left : `${hint}; ${left}`, code);
    }
  }
  return stored;
}

/** What the vault refuses of somebody's answers is asked again: the others stay. */
async function storeOne(client: VaultClient, given: GivenService): Promise<TakenService> {
  const { definition, key, replaces, correct } = given;
  try {
    const service = await (key === undefined
      ? client.addService(definition)
      : addServiceWithKey(client, definition, key, replaces));
    return { ...given, service };
  } catch (error) {
    const corrected = await correct?.(error);
    if (corrected === undefined) throw error;
    return storeOne(client, { ...corrected, replaces });
  }
}

/** Logging in shows that all of it is right; of an API only a path would tell, which is not known here. */
function canBeTried({ auth_type: type, ssh_allowed_commands: allowed }: ServiceInfo): boolean {
  return isSessionType(type) || (type === "ssh_key" && allowed === undefined);
}

/** The service is stored by now: whatever goes wrong here is told of, and no failure of the command. */
async function checked(
  context: CommandContext,
  client: VaultClient,
  service: ServiceInfo,
  preset: GivenService["preset"],
): Promise<CheckOutcome | undefined> {
  try {
    return await check(context, client, service, preset);
  } catch (error) {
    const { message, hint, code } = describe(context, error);
    return { ok: false, message, hint, data: { ok: false, error: message, code } };
  }
}

async function check(
  context: CommandContext,
  client: VaultClient,
  service: ServiceInfo,
  preset: GivenService["preset"],
): Promise<CheckOutcome | undefined> {
  const { name, auth_type: type } = service;
  if (type === "ssh_key") {
    // Where commands are limited, what runs there is the user's affair.
    if (service.ssh_allowed_commands !== undefined) return undefined;
    const { checkSsh } = await import("../service-check/check-ssh.js");
    return checkSsh(context, client, service, "true");
  }
  if (isSessionType(type)) {
    const { checkSession } = await import("../service-check/check-session.js");
    return checkSession(client, type, service);
  }
  const { checkByPreset, checkPath, presetTest } = await import("../service-check/check-call.js");
  const test = preset === undefined ? undefined : presetTest(preset);
  if (preset !== undefined && test !== undefined) {
    context.output.note(`Testing it with ${test.method} ${preset.prefix}${test.path}`);
    return checkByPreset(context, client, name, preset, test);
  }
  if (preset !== undefined) return undefined;
  const outcome = await checkPath(context, client, name, "/");
  const better = `\`${context.bin} service test ${name} --path …\` with a path that needs the credential tells more`;
  return outcome.ok ? { ...outcome, note: better } : outcome;
}

function tell({ output }: CommandContext, name: string, { ok, message, hint, note }: CheckOutcome): void {
  if (!ok) {
    output.warn(`${name}: ${message}${hint === undefined ? "" : `: ${hint}`}`);
    return;
  }
  output.note(`${name}: ${message}`);
  if (note !== undefined) output.note(note);
}

function describe(
  { bin, env }: CommandContext,
  error: unknown,
): { readonly message: string; readonly hint?: string | undefined; readonly code: string } {
  return describeFailure(error, { bin, tokenFromEnvironment: (env.VAULT_TOKEN ?? "") !== "" });
}
