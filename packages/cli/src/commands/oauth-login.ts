import type { LoginStatus, StartedBrowserLogin, StartedDeviceLogin } from "@vault-proxy/client";

import type { ConfigureCommand } from "../command-definition.js";
import type { CommandContext } from "../command-context.js";
import { UsageError } from "../failures.js";
import { addExamples } from "../help-examples.js";
import { parseDuration } from "../duration.js";
import { hasBrowser, openBrowser } from "../login/browser.js";
import { addLoginOptions, type LoginFlags } from "../login/login-flags.js";
import { namingLoginOptions } from "../login/login-option-names.js";
import { presetNotes } from "../login/login-notes.js";
import { assertDone } from "../login/login-outcome.js";
import { completeLogin } from "../login/login-questions.js";
import { browserLogin, deviceLogin } from "../login/login-request.js";
import { waitForLogin } from "../login/login-wait.js";
import { choosePreset, type LoginPreset } from "../login/preset-choice.js";
import { spanText } from "../relative-time.js";

const MINUTE_MS = 60_000;

export const configureOauthLogin: ConfigureCommand = (command, perform) => {
  command.argument("<service>", "name of the service that the login makes, or replaces");
  addLoginOptions(command);
  command.addHelpText(
    "after",
    "\nThe provider gives the tokens to the vault, which refreshes them; none is shown here. The client's secret comes\n" +
      "from the terminal or from standard input. Ctrl-C cancels the login.",
  );
  addExamples(
    command,
    "% oauth login github --client-id Iv1.0123456789abcdef --scope repo",
    "% oauth login mail --preset gmail --client-secret-file google.json --scope https://mail.google.com/",
    "% oauth login jira --tenant 11111111-2222-3333-4444-555555555555 --client-id ID --scope read:jira-work",
    "% oauth login gitlab --device --client-id ID --client-auth none --scope read_api",
    "% oauth login own --base-url https://api.example.com --auth-url https://id.example.com/authorize \\\n" +
      "      --token-url https://id.example.com/token --client-id ID --client-secret-stdin < secret",
  );
  command.action((service: string, flags: LoginFlags) =>
    perform(async (context) => {
      if (flags.timeout !== undefined) parseDuration(flags.timeout);
      if (flags.clientSecretStdin === true && flags.clientSecretFile !== undefined) {
        throw new UsageError("use one of --client-secret-stdin and --client-secret-file");
      }
      const client = await context.connect("token");
      const preset = await choosePreset(context, service, flags);
      if (preset !== undefined) {
        for (const line of presetNotes(preset, flags, client.addr)) context.output.note(line);
      }
      const { answers, fields } = await completeLogin(context, service, flags, preset);
      const begin = (signal?: AbortSignal): Promise<Started> =>
        namingLoginOptions<Started>(() =>
          flags.device === true
            ? client.oauthDevice(deviceLogin(answers, flags, fields), { signal })
            : client.oauthAuthorize(browserLogin(answers, flags, fields), { signal }),
        );
      if (!flags.wait) {
        printAndEnd(context, await begin());
        return undefined;
      }
      const outcome = await waitForLogin(context, client, {
        begin,
        announce: (started) => showTheWay(context, started, flags),
        timeout: flags.timeout,
      });
      assertDone(outcome);
      if (context.output.json) context.output.data(outcome);
      else printSuccess(context, service, outcome, preset);
      return undefined;
    }),
  );
};

type Started = StartedBrowserLogin | StartedDeviceLogin;

function printAndEnd({ output, bin }: CommandContext, started: Started): void {
  if (output.json) {
    output.data(started);
    return;
  }
  if ("auth_url" in started) output.result(started.auth_url);
  else output.result(`${started.user_code} ${started.verification_uri}`);
  output.note(`good until ${started.expires_at}; see \`${bin} oauth status --wait ${started.flow}\``);
}

async function showTheWay(
  { output, env }: CommandContext,
  started: Started,
  flags: LoginFlags,
): Promise<void> {
  const within = `within ${spanText(Math.max(MINUTE_MS, Date.parse(started.expires_at) - Date.now()))}`;
  if ("auth_url" in started) {
    const opened =
      flags.browser && hasBrowser(env, process.platform) && (await openBrowser(started.auth_url));
    output.note(
      `${opened ? "A browser was opened. If it shows nothing, open" : "Open"} this address ${within}:`,
    );
    output.note("");
    output.note(started.auth_url);
    output.note("");
  } else {
    output.note(`On any device, open ${started.verification_uri} ${within} and enter:`);
    output.callout(started.user_code);
    if (started.verification_uri_complete !== undefined) {
      output.note(`Or open ${started.verification_uri_complete}`);
    }
  }
  output.note("Waiting for the login; Ctrl-C cancels it.");
}

function printSuccess(
  { output, bin }: CommandContext,
  service: string,
  { replaced }: LoginStatus,
  preset: LoginPreset | undefined,
): void {
  output.confirm(`Logged in. Service ${service} ${replaced === true ? "was replaced, and " : ""}is ready.`);
  const { test } = preset ?? {};
  if (test !== undefined && !test.path.includes("{")) {
    output.note(`Try it: \`${bin} service test ${service}\``);
  }
}
