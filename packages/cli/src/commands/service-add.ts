import { readFile } from "node:fs/promises";
import { text } from "node:stream/consumers";
import type { ServiceDefinition } from "@vault-proxy/client";
import { Option, type Command } from "commander";

import type { ConfigureCommand } from "../command-definition.js";
import type { CommandContext } from "../command-context.js";
import { addExpiringAuthOptions, typeOfFlags } from "../expiring-auth/registry.js";
import { CliError, UsageError } from "../failures.js";
import { addExamples } from "../help-examples.js";
import { askSecret, canAsk } from "../prompt.js";
import { collect } from "../repeated-option.js";
import { linesOf, readLines, readSecretFile } from "../secret-source.js";
import { AUTH_TYPES, authDefinition, secretLabels } from "../service-definition.js";
import type { AuthType, ServiceFlags } from "../service-definition.js";
import { completeFlags } from "../service-questions.js";
import { addSettingsOptions, readTlsCa, serviceSettings } from "../service-settings.js";
import { addSessionTypeOptions, isSessionType } from "../session-types/registry.js";

interface ServiceAddOptions extends ServiceFlags {
  readonly name?: string;
  readonly fromJson?: string;
  readonly bearerStdin?: boolean;
  readonly secretStdin?: boolean;
  readonly secretFile?: string;
  /** There always: false with --no-scrub. */
  readonly scrub: boolean;
}

export const configureServiceAdd: ConfigureCommand = (command, perform) => {
  command.argument("[name]", "name of the service");
  addOptions(command);
  command.addHelpText(
    "after",
    "\nThe secret never goes on the command line. --secret-stdin and --secret-file hold one value a line, in the\n" +
      "order of --header-name or --param-name; for basic the password, or user name and password without --username;\n" +
      "for oauth2_client the client's secret, then the refresh token. Private keys are uploaded first: `file upload`.\n" +
      "Without either, a terminal asks for it without echo. Without any option, JSON is read from standard input.",
  );
  addExamples(
    command,
    "% service add openai --base-url https://api.openai.com --type bearer",
    "printenv OPENAI_API_KEY | % service add openai --base-url https://api.openai.com --bearer-stdin",
    "% service add anthropic --base-url https://api.anthropic.com --type header --header-name x-api-key",
    "% service add stripe --base-url https://api.stripe.com --type basic --secret-file stripe.key",
    "% service add gcp --base-url https://storage.googleapis.com --service-account-file key.json",
    "% service add github --github-app 12345 --github-installation 67890 --github-key-file app.pem",
    "% service add erp --base-url https://erp.example.com --oauth2-grant client_credentials --oauth2-client-id ID \\\n" +
      "      --oauth2-token-url https://id.example.com/token --secret-file erp.secret",
    "% service add orders --type postgres --host db.example.com --user app --database orders",
    "% service add mail --type imap --host imap.gmail.com --user ann@gmail.com --oauth-service gmail",
    "% service add --from-json service.json",
  );
  command.action((argument: string | undefined, options: ServiceAddOptions) =>
    perform(async (context) => {
      const definition = await definitionFrom(context, argument, options);
      const service = await (await context.connect("token")).addService(definition);
      if (context.output.json) {
        context.output.data(service);
        return undefined;
      }
      context.output.result("Service added.");
      for (const warning of service.warnings ?? []) context.output.warn(warning);
      if (isSessionType(service.auth_type)) {
        context.output.note(`Try it: ${context.bin} service test ${service.name}`);
      }
      return undefined;
    }),
  );
};

function addOptions(command: Command): void {
  command
    .option("--name <name>", "name of the service")
    .option("--base-url <url>", "where its API is, for types that HTTP calls are for")
    .addOption(new Option("--type <type>", "where the credential goes").choices(Object.keys(AUTH_TYPES)))
    .option("--header-name <name>", "header that takes the secret; may be repeated", collect)
    .option("--param-name <name>", "query parameter that takes the secret; may be repeated", collect)
    .option("--username <name>", "user name, for basic")
    .option("--bearer-stdin", "read a bearer token from standard input")
    .option("--secret-stdin", "read the secret from standard input")
    .option("--secret-file <file>", "read the secret from a file")
    .option("--from-json <file>", "take the whole service from a JSON file, - for standard input");
  addSessionTypeOptions(command);
  addExpiringAuthOptions(command);
  command.optionsGroup("Settings:");
  addSettingsOptions(command);
}

async function definitionFrom(
  context: CommandContext,
  argument: string | undefined,
  options: ServiceAddOptions,
): Promise<ServiceDefinition> {
  const { fromJson, scrub, ...others } = options;
  const isPlain = scrub && Object.keys(others).length === 0;
  if (fromJson !== undefined) {
    if (!isPlain || argument !== undefined) throw new UsageError("--from-json takes no other option");
    return parseDefinition(await readJson(context, fromJson), fromJson);
  }
  if (argument?.trimStart().startsWith("{") === true) {
    context.output.warn("a secret on the command line shows in the process list: use --from-json");
    return parseDefinition(argument, "the argument");
  }
  if (argument === undefined && isPlain && context.stdin.isTTY !== true) {
    return parseDefinition(await text(context.stdin), "standard input");
  }
  return definitionFromFlags(context, argument, options);
}

async function definitionFromFlags(
  context: CommandContext,
  argument: string | undefined,
  options: ServiceAddOptions,
): Promise<ServiceDefinition> {
  if (argument !== undefined && options.name !== undefined && argument !== options.name) {
    throw new UsageError("two different names were given");
  }
  const sources = [
    options.bearerStdin === true,
    options.secretStdin === true,
    options.secretFile !== undefined,
  ];
  if (sources.filter(Boolean).length > 1) {
    throw new UsageError("use one of --bearer-stdin, --secret-stdin and --secret-file");
  }
  if (options.bearerStdin === true && (options.type ?? "bearer") !== "bearer") {
    throw new UsageError("--bearer-stdin is for --type bearer", "use --secret-stdin");
  }
  const type = typeOfFlags(options.bearerStdin === true ? "bearer" : options.type, options);
  const flags = await completeFlags(context, argument ?? options.name, { ...options, type });
  const tlsCa = await readTlsCa(options);
  const values = await readSecrets(context, flags.type, flags, options);
  const auth = authDefinition(flags.type, flags, values);
  return { ...serviceSettings(flags.baseUrl, flags, tlsCa), name: flags.name, auth };
}

async function readSecrets(
  context: CommandContext,
  type: AuthType,
  flags: ServiceFlags,
  options: ServiceAddOptions,
): Promise<string[]> {
  const labels = secretLabels(type, flags);
  if (options.bearerStdin === true || options.secretStdin === true) return readLines(context.stdin);
  if (options.secretFile !== undefined) return linesOf(await readSecretFile(options.secretFile));
  if (labels.length === 0) return [];
  if (!canAsk(context)) {
    throw new UsageError("no secret was given", "use --secret-stdin or --secret-file");
  }
  const values: string[] = [];
  for (const label of labels) values.push(await askSecret(context, label));
  return values;
}

async function readJson(context: CommandContext, file: string): Promise<string> {
  return file === "-" ? text(context.stdin) : readText(file);
}

async function readText(file: string): Promise<string> {
  return readFile(file, "utf8").catch(() => {
    throw new CliError(`cannot read ${file}`);
  });
}

/** The server checks the fields; a parser's own message would repeat a piece of the secret. */
function parseDefinition(json: string, source: string): ServiceDefinition {
  let definition: unknown;
  try {
    definition = JSON.parse(json);
  } catch {
    throw new UsageError(`${source} is not valid JSON`);
  }
  if (typeof definition !== "object" || definition === null || Array.isArray(definition)) {
    throw new UsageError(
      `${source} holds no service`,
      'write {"name": …, "base_url": …, "auth": {"type": …}}',
    );
  }
  return definition as ServiceDefinition;
}
