import { readFile } from "node:fs/promises";
import { text } from "node:stream/consumers";

import type { ConfigureCommand } from "../command-definition.js";
import type { CommandContext } from "../command-context.js";
import { UsageError } from "../failures.js";
import { fileFailure } from "../file-failure.js";
import { addExamples } from "../help-examples.js";
import { loadPresets } from "../presets/preset-catalogue.js";
import { askText, canAsk } from "../prompt.js";
import {
  addServiceAddOptions,
  assertOneSource,
  givenName,
  isPlain,
  type ServiceAddOptions,
} from "../service-add/add-options.js";
import { serviceOfFlags } from "../service-add/flag-service.js";
import type { GivenService } from "../service-add/given-service.js";
import { jsonServices } from "../service-add/json-services.js";
import { namedPreset, unknownService } from "../service-add/preset-choice.js";
import { noteExisting, replacedService } from "../service-add/replaced-service.js";
import { namingOptions } from "../service-add/option-names.js";
import { serviceOfPreset } from "../service-add/preset-service.js";
import { storeServices, type Afterwards } from "../service-add/store-services.js";
import { serviceNameProblem } from "../service-name.js";

export const configureServiceAdd: ConfigureCommand = (command, perform) => {
  command.argument("[name]", "name of the service, or of a preset such as openai").allowExcessArguments();
  addServiceAddOptions(command);
  command.addHelpText(
    "after",
    "\nA preset knows where an API is and where its key goes: only the key is asked for. `presets` lists them.\n" +
      "The secret never goes on the command line. --secret-stdin and --secret-file hold one value a line, in the\n" +
      "order of --header-name or --param-name; for basic the password, or user name and password without --username;\n" +
      "for oauth2_client the client's secret, then the refresh token; for ssh_key the password, or the key's passphrase.\n" +
      "Private keys are uploaded first (`file upload`), but for ssh_key, by --ssh-key-file.\n" +
      "Without either, a terminal asks for it without echo, and for whatever else is missing, step by step.\n" +
      "A service that is there is replaced only with --replace, or by JSON; `service update` changes a part of one.\n" +
      "Without a terminal and any option, JSON is read from standard input.",
  );
  addExamples(
    command,
    "% service add openai",
    "printenv OPENAI_API_KEY | % service add openai --secret-stdin --test",
    "% service add work-openai --preset openai",
    "% service add jira --tenant acme --username ann@acme.com",
    "% service add internal --base-url https://api.example.com --type header --header-name x-api-key",
    "% service add gcp --tenant storage --service-account-file key.json",
    "% service add repo --github-app 12345 --github-installation 67890 --github-key-file app.pem",
    "% service add erp --base-url https://erp.example.com --oauth2-grant client_credentials --oauth2-client-id ID \\\n" +
      "      --oauth2-token-url https://id.example.com/token --secret-file erp.secret",
    "% service add orders --type postgres --host db.example.com --user app --database orders",
    "% service add mail --type imap --host imap.gmail.com --user ann@gmail.com --oauth-service gmail",
    "% service add box --ssh-host box.example.com --ssh-user deploy --ssh-key-file ~/.ssh/deploy \\\n" +
      "      --ssh-allowed-command 'docker ps' --ssh-allowed-command 'systemctl status'",
    "% service add --from-json services.json",
  );
  command.action((argument: string | undefined, options: ServiceAddOptions) =>
    perform(async (context) => {
      assertNoSecretBehind(command.args);
      const json = await givenJson(context, argument, options);
      if (json !== undefined) {
        const client = await context.connect("token");
        const services = await client.listServices();
        const found = json.map((given) => ({
          ...given,
          replaces: services.find(({ name }) => name === given.definition.name),
        }));
        return storeServices(context, client, found, afterwards(options));
      }
      assertOneSource(options);
      const name = givenName(argument, options);
      const wrong = name === undefined ? undefined : serviceNameProblem(name);
      if (wrong !== undefined) throw new UsageError(`"${name}" cannot be the name of a service: ${wrong}`);
      return canAsk(context)
        ? addInTerminal(context, name, options)
        : addWithoutTerminal(context, name, options);
    }),
  );
};

/** What stands behind the name is likely the key itself. @throws UsageError that does not repeat it */
function assertNoSecretBehind([, ...surplus]: readonly string[]): void {
  if (surplus.length === 0) return;
  throw new UsageError(
    "only the service's name goes on the command line: what stands behind it is in your shell's history now",
    "if it is a key, replace it at its provider; then give it when asked, or by --secret-stdin or --secret-file",
  );
}

/** Services as JSON; undefined if flags or questions say what to add. */
async function givenJson(
  context: CommandContext,
  argument: string | undefined,
  options: ServiceAddOptions,
): Promise<readonly GivenService[] | undefined> {
  const { fromJson, ...others } = options;
  const hasOthers = !isPlain(others) || options.name !== undefined;
  if (fromJson !== undefined) {
    if (hasOthers || argument !== undefined) throw new UsageError("--from-json takes no other option");
    return fromJson === "-"
      ? jsonServices(await text(context.stdin), "standard input")
      : jsonServices(await readText(fromJson), fromJson);
  }
  if (argument?.trimStart().startsWith("{") === true) {
    context.output.warn("a secret on the command line shows in the process list: use --from-json");
    return jsonServices(argument, "the argument");
  }
  if (argument !== undefined || hasOthers || context.stdin.isTTY === true) return undefined;
  const given = await text(context.stdin);
  if (given.trim() !== "") return jsonServices(given, "standard input");
  throw new UsageError(
    "nothing says what to add",
    "name a preset (see `presets`) and give --secret-stdin; or give --name, --base-url, --type and --secret-stdin; or --from-json",
  );
}

async function readText(file: string): Promise<string> {
  return readFile(file, "utf8").catch((error: unknown) => {
    throw fileFailure("read", file, error);
  });
}

async function addWithoutTerminal(
  context: CommandContext,
  name: string | undefined,
  options: ServiceAddOptions,
): Promise<number | undefined> {
  const catalogue = await loadPresets();
  const id = await namedPreset(context, catalogue, name, options);
  const preset = id === undefined ? undefined : await catalogue.get(id);
  if (preset === undefined && name !== undefined && isPlain(withoutSource(options))) {
    throw unknownService(context, catalogue, name);
  }
  const given =
    id === undefined || preset === undefined
      ? await serviceOfFlags(context, name, withoutTenant(options), false)
      : await serviceOfPreset(context, { id, preset, name: name ?? id, stepByStep: false }, options);
  const client = await context.connect("token");
  const services = await client.listServices();
  const replaces = await replacedService(context, services, given, options.replace === true);
  return namingOptions(given.definition.auth.type, () =>
    storeServices(context, client, [{ ...given, replaces }], afterwards(options)),
  );
}

function afterwards({ test = false }: ServiceAddOptions): Afterwards {
  return { test, testCounts: test, tellStored: false, tellNextSteps: test, tellReplaced: true };
}

/** Before anything is asked, the vault is: what is wrong with it would make all answers vain. */
async function addInTerminal(
  context: CommandContext,
  name: string | undefined,
  options: ServiceAddOptions,
): Promise<number | undefined> {
  const client = await context.connect("token");
  const services = await client.listServices();
  const given = await askedService(context, name, options, (chosen) => {
    if (options.replace !== true) noteExisting(context, services, chosen);
  });
  const replaces = await replacedService(context, services, given, options.replace === true);
  return namingOptions(given.definition.auth.type, () =>
    storeServices(context, client, [{ ...given, replaces }], {
      ...afterwards(options),
      tellReplaced: options.replace === true,
      test: options.test ?? true,
      tellStored: true,
      tellNextSteps: true,
    }),
  );
}

async function askedService(
  context: CommandContext,
  given: string | undefined,
  options: ServiceAddOptions,
  onName: (name: string) => void,
): Promise<GivenService> {
  const catalogue = await loadPresets();
  let id = await namedPreset(context, catalogue, given, options);
  let type = options.type;
  const stepByStep = id === undefined && isPlain(options);
  if (stepByStep) {
    const { askKind } = await import("../service-add/kind-question.js");
    const kind = await askKind(context, catalogue);
    if ("preset" in kind) id = kind.preset;
    else type = kind.type;
  }
  const name = given ?? (await askText(context, "Name of the service", serviceNameProblem, id));
  onName(name);
  const preset = id === undefined ? undefined : await catalogue.get(id);
  return id === undefined || preset === undefined
    ? serviceOfFlags(context, name, { ...withoutTenant(options), type }, stepByStep)
    : serviceOfPreset(context, { id, preset, name, stepByStep }, options);
}

/** @throws UsageError for `--tenant` where no preset has a place for it */
function withoutTenant(options: ServiceAddOptions): ServiceAddOptions {
  if (options.tenant !== undefined) throw new UsageError("--tenant is for presets", "see `presets`");
  return options;
}

function withoutSource({
  secretStdin: _stdin,
  secretFile: _file,
  bearerStdin: _bearer,
  ...options
}: ServiceAddOptions): ServiceAddOptions {
  return options;
}
