import { readFile } from "node:fs/promises";
import { text } from "node:stream/consumers";
import type { ServiceDefinition, ServiceInfo } from "@vault-proxy/client";
import { Option, type Command } from "commander";

import type { ConfigureCommand } from "../command-definition.js";
import type { CommandContext } from "../command-context.js";
import { addExpiringAuthOptions, typeOfFlags } from "../expiring-auth/registry.js";
import { CliError, UsageError } from "../failures.js";
import { addExamples } from "../help-examples.js";
import { askSecret, canAsk } from "../prompt.js";
import { collect } from "../repeated-option.js";
import { linesOf, readLines, readSecretFile } from "../secret-source.js";
import { AUTH_TYPES, authDefinition, mayLackSecrets, secretLabels } from "../service-definition.js";
import type { AuthType, ServiceFlags } from "../service-definition.js";
import { completeFlags } from "../service-questions.js";
import { addSettingsOptions, readTlsCa, serviceSettings } from "../service-settings.js";
import { addSessionTypeOptions, isSessionType } from "../session-types/registry.js";
import { addServiceWithKey } from "../ssh/key-upload.js";
import { isEncryptedKey } from "../ssh/private-key-text.js";
import { addSshOptions, hasSshFlags } from "../ssh/ssh-service.js";

interface ServiceAddOptions extends ServiceFlags {
  readonly name?: string;
  readonly fromJson?: string;
  readonly bearerStdin?: boolean;
  readonly secretStdin?: boolean;
  readonly secretFile?: string;
  /** There always: false with --no-scrub. */
  readonly scrub: boolean;
}

/** A service as the command line has it, and the private key that must be stored before it. */
interface GivenService {
  readonly definition: ServiceDefinition;
  readonly key?: string | undefined;
}

const STDIN_OPTIONS = [
  ["bearerStdin", "--bearer-stdin"],
  ["secretStdin", "--secret-stdin"],
  ["sshPasswordStdin", "--ssh-password-stdin"],
  ["sshPassphraseStdin", "--ssh-passphrase-stdin"],
] as const;

export const configureServiceAdd: ConfigureCommand = (command, perform) => {
  command.argument("[name]", "name of the service");
  addOptions(command);
  command.addHelpText(
    "after",
    "\nThe secret never goes on the command line. --secret-stdin and --secret-file hold one value a line, in the\n" +
      "order of --header-name or --param-name; for basic the password, or user name and password without --username;\n" +
      "for oauth2_client the client's secret, then the refresh token; for ssh_key the password, or the key's passphrase.\n" +
      "Private keys are uploaded first (`file upload`), but for ssh_key, by --ssh-key-file.\n" +
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
    "% service add box --ssh-host box.example.com --ssh-user deploy --ssh-key-file ~/.ssh/deploy \\\n" +
      "      --ssh-allowed-command 'docker ps' --ssh-allowed-command 'systemctl status'",
    "% service add --from-json service.json",
  );
  command.action((argument: string | undefined, options: ServiceAddOptions) =>
    perform(async (context) => {
      const { definition, key } = await serviceFrom(context, argument, options);
      const client = await context.connect("token");
      const service = await (key === undefined
        ? client.addService(definition)
        : addServiceWithKey(client, definition, key));
      if (context.output.json) {
        context.output.data(service);
        return undefined;
      }
      context.output.result("Service added.");
      for (const warning of service.warnings ?? []) context.output.warn(warning);
      if (isSessionType(service.auth_type) || isOpenSshService(service)) {
        context.output.note(`Try it: ${context.bin} service test ${service.name}`);
      }
      return undefined;
    }),
  );
};

/** What runs there is its own affair only where there is no list of allowed commands. */
function isOpenSshService({ auth_type: type, ssh_allowed_commands: allowed }: ServiceInfo): boolean {
  return type === "ssh_key" && allowed === undefined;
}

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
  addSshOptions(command);
  addExpiringAuthOptions(command);
  command.optionsGroup("Settings:");
  addSettingsOptions(command);
}

async function serviceFrom(
  context: CommandContext,
  argument: string | undefined,
  options: ServiceAddOptions,
): Promise<GivenService> {
  const { fromJson, scrub, ...others } = options;
  const isPlain = scrub && Object.keys(others).length === 0;
  if (fromJson !== undefined) {
    if (!isPlain || argument !== undefined) throw new UsageError("--from-json takes no other option");
    return { definition: parseDefinition(await readJson(context, fromJson), fromJson) };
  }
  if (argument?.trimStart().startsWith("{") === true) {
    context.output.warn("a secret on the command line shows in the process list: use --from-json");
    return { definition: parseDefinition(argument, "the argument") };
  }
  if (argument === undefined && isPlain && context.stdin.isTTY !== true) {
    return { definition: parseDefinition(await text(context.stdin), "standard input") };
  }
  return serviceFromFlags(context, argument, options);
}

async function serviceFromFlags(
  context: CommandContext,
  argument: string | undefined,
  options: ServiceAddOptions,
): Promise<GivenService> {
  if (argument !== undefined && options.name !== undefined && argument !== options.name) {
    throw new UsageError("two different names were given");
  }
  const sources: string[] = STDIN_OPTIONS.filter(([flag]) => options[flag] === true).map(
    ([, option]) => option,
  );
  if (options.secretFile !== undefined) sources.push("--secret-file");
  if (sources.length > 1) throw new UsageError(`use one of ${sources.join(" and ")}`);
  if (options.bearerStdin === true && (options.type ?? "bearer") !== "bearer") {
    throw new UsageError("--bearer-stdin is for --type bearer", "use --secret-stdin");
  }
  const named = typeOfFlags(options.bearerStdin === true ? "bearer" : options.type, options);
  const type = named ?? (hasSshFlags(options) ? "ssh_key" : undefined);
  const complete = await completeFlags(context, argument ?? options.name, { ...options, type });
  const key = complete.sshKeyFile === undefined ? undefined : await readSecretFile(complete.sshKeyFile);
  const flags = { ...complete, sshKeyIsEncrypted: key !== undefined && isEncryptedKey(key) };
  const tlsCa = await readTlsCa(options);
  const values = await readSecrets(context, flags.type, flags, options);
  const auth = authDefinition(flags.type, flags, values);
  return { definition: { ...serviceSettings(flags.baseUrl, flags, tlsCa), name: flags.name, auth }, key };
}

async function readSecrets(
  context: CommandContext,
  type: AuthType,
  flags: ServiceFlags,
  options: ServiceAddOptions,
): Promise<string[]> {
  const labels = secretLabels(type, flags);
  if (STDIN_OPTIONS.some(([flag]) => options[flag] === true)) return readLines(context.stdin);
  if (options.secretFile !== undefined) return linesOf(await readSecretFile(options.secretFile));
  if (labels.length === 0) return [];
  if (!canAsk(context)) {
    if (type === "ssh_key" && mayLackSecrets(type, flags)) return [];
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
