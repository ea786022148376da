import type { PolicyContent } from "@vault-proxy/client";

import { localTime } from "../audit/local-time.js";
import type { CommandContext } from "../command-context.js";
import type { ConfigureCommand } from "../command-definition.js";
import { connectWithoutToken, sessionAddress } from "../connection.js";
import { lifetime } from "../duration.js";
import { UsageError } from "../failures.js";
import { assertRunnable, runInForeground } from "../foreground-program.js";
import { addExamples } from "../help-examples.js";
import { untilInterrupted } from "../interruption.js";
import type { Environment } from "../output.js";
import { addPolicyFlags, policyOfFlags, type PolicyFlags } from "../policies/policy-flags.js";
import { namingTokenOptions } from "../policies/token-option-names.js";
import { collect } from "../repeated-option.js";
import { agentEnvironment, sdkEnvironment, type SdkTarget } from "../run/agent-variables.js";
import { giveUpToken, issueAgentToken, type AgentToken } from "../run/agent-token.js";
import { endAdminSession } from "../run/end-session.js";
import { findSdkTargets, parseSdkList } from "../run/sdk-targets.js";

interface RunOptions extends PolicyFlags {
  readonly env?: readonly string[];
  readonly policy?: string;
  readonly name?: string;
  readonly ttl: string;
  readonly keepSession?: boolean;
}

const HELP = `
The program gets VAULT_ADDR and VAULT_TOKEN, a token of its own that is revoked when it ends, and no other VAULT_
variable. With --env it also gets the variables that SDKs read, and its token is for those services only, unless
--service, --policy or --policy-file says otherwise.

It runs as you, and could read the admin session: so that is ended first, and its file removed. Unlock again to
administrate, or keep it with --keep-session. The exit code is the program's own;
127 if there is no such program, 126 if it cannot be run.

A running program cannot be given another token: for one that runs longer than 8 hours say so with --ttl.`;

export const configureRun: ConfigureCommand = (command, perform) => {
  command
    .argument("<command...>", "the program and its arguments, after --")
    .option("--env <names>", "variables for the SDKs of openai,anthropic,… or openai=my-service", collect)
    .option("--ttl <duration>", "how long the token lives at most", "8h")
    .option("--policy <name>", "what it may do: a stored policy")
    .option("--name <name>", "what it is called in lists and in the audit log (default: the program's name)")
    .option("--keep-session", "leave the admin session as it is: the program could use it");
  addPolicyFlags(command);
  command.addHelpText("after", HELP);
  addExamples(
    command,
    "% run --env openai,github -- codex",
    "% run --env anthropic=my-claude --rate 60/min -- claude",
    "% run --service github --method GET --ttl 1h -- sh -c 'curl -H \"Authorization: Bearer $VAULT_TOKEN\" $VAULT_ADDR/proxy/github/user'",
  );
  command.action((words: readonly string[], options: RunOptions) =>
    perform(async (context) => {
      // There is a first one: commander asks for it.
      const [program = "", ...args] = words;
      await assertRunnable(program, context.env);
      const started = await untilInterrupted(
        (signal) => prepare(context, program, options, signal),
        "nothing was run",
      );
      try {
        return await runInForeground({ program, args, env: started.env });
      } finally {
        await started.end();
      }
    }),
  );
};

interface Prepared {
  readonly env: Environment;
  readonly end: () => Promise<void>;
}

async function prepare(
  context: CommandContext,
  program: string,
  options: RunOptions,
  interruption: AbortSignal,
): Promise<Prepared> {
  const { output } = context;
  const requests = (options.env ?? []).flatMap(parseSdkList);
  const client = await context.connect("token");
  const targets = await targetsOf(requests, client, context.bin);
  const policy = await policyOf(context, options, targets);
  // What --env cannot do is told before there is a token.
  for (const target of targets) sdkEnvironment(target, client.addr, "");
  const name = options.name ?? programName(program);
  const request = { name, ttl: lifetime(options.ttl), policy };
  const token = await namingTokenOptions(options, () => issueAgentToken(client, request));
  const agent = await connectWithoutToken({
    options: { addr: client.addr, allowInsecure: context.allowInsecure },
  });
  agent.token = token.id;
  const issuedAt = Date.now();
  const end = async (): Promise<void> => {
    // Whatever the time is here, which may not be the server's: if it goes on there, it is to end now.
    const reason = await giveUpToken(agent);
    if (Date.now() - issuedAt >= Date.parse(token.expires_at) - Date.parse(token.created_at)) {
      output.warn(`the program's token ended before it, at ${token.expires_at}: --ttl gives a longer one`);
    } else if (reason !== undefined) {
      output.warn(`the program's token could not be revoked: ${reason}; it ends at ${token.expires_at}`);
    }
  };
  try {
    if (options.keepSession !== true) await endSession(context, sessionAddress(client));
    warnOfOwnToken(context, token);
    tellEnd(context, token);
    interruption.throwIfAborted();
  } catch (error) {
    await end();
    throw error;
  }
  const variables = targets.map((target) => sdkEnvironment(target, client.addr, token.id));
  const env = agentEnvironment(context.env, client.addr, token.id);
  return { env: Object.assign({}, env, ...variables) as Environment, end };
}

async function targetsOf(
  requests: ReturnType<typeof parseSdkList>,
  client: Awaited<ReturnType<CommandContext["connect"]>>,
  bin: string,
): Promise<SdkTarget[]> {
  if (requests.length === 0) return [];
  const { loadPresets } = await import("../presets/preset-catalogue.js");
  return findSdkTargets(requests, await loadPresets(), client, bin);
}

async function policyOf(
  context: CommandContext,
  options: RunOptions,
  targets: readonly SdkTarget[],
): Promise<string | PolicyContent | undefined> {
  const services = [...new Set(targets.map(({ service }) => service))];
  const isSaid = options.policy !== undefined || options.policyFile !== undefined;
  const flags =
    isSaid || options.service !== undefined || services.length === 0
      ? options
      : { ...options, service: services };
  const own = await policyOfFlags(context, flags);
  if (own !== undefined && options.policy !== undefined) {
    throw new UsageError("--policy and rules of its own do not go together", "change the stored policy");
  }
  return options.policy ?? own;
}

async function endSession(context: CommandContext, address: string): Promise<void> {
  const { output, sessionPath, allowInsecure } = context;
  const ended = await endAdminSession({ sessionPath, address, allowInsecure });
  if (ended === undefined) return;
  if (ended.warning !== undefined) output.warn(ended.warning);
  output.note(`The admin session was ended: run \`${context.bin} unlock\` to administrate again.`);
}

/** Nothing can give a running program another token, so whoever starts one should know. */
function tellEnd({ output, stderr }: CommandContext, { expires_at: end }: AgentToken): void {
  if (stderr.isTTY === true) output.note(`Its token ends with it, or at ${localTime(end)}: see --ttl.`);
}

/** The program's parents still have it in their environment, which every process of the same user can read. */
function warnOfOwnToken({ env, output }: CommandContext, token: AgentToken): void {
  if (!token.byAdmin || (env.VAULT_TOKEN ?? "") === "") return;
  output.warn(
    "VAULT_TOKEN of this shell is an admin's, and the program could read it: unset it, and `unlock`",
  );
}

function programName(program: string): string {
  return (program.split("/").at(-1) ?? program).replace(/\p{Cc}/gu, "?").slice(0, 64) || "run";
}
