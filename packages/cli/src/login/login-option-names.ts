import { inNamesOf } from "../renamed-fields.js";
import { optionOfSetting } from "../service-update/unset-settings.js";

/** Fields of a login that are called otherwise on the command line; what is not here and no setting is named alike. */
const OPTIONS: Readonly<Record<string, string>> = {
  service_name: "the service's name",
  scopes: "--scope",
  authorize_params: "--authorize-param",
  client_secret: "the client's secret",
};

const NAMED_ALIKE =
  /^(?:base_url|client_(?:id|auth|secret_file|key_file|key_id)|(?:auth|token|refresh|device)_url|redirect_uri|issuer|require_iss|scope_separator|token_body|extra|long_lived_token)$/;

/** Begins a login that options describe: a refusal is told by these, not by the fields of the API. */
export async function namingLoginOptions<Result>(begin: () => Promise<Result>): Promise<Result> {
  try {
    return await begin();
  } catch (error) {
    throw inNamesOf(error, optionOf);
  }
}

function optionOf(field: string): string | undefined {
  const [first = ""] = field.split(".");
  if (NAMED_ALIKE.test(first)) return `--${first.replaceAll("_", "-")}`;
  return OPTIONS[first] ?? optionOfSetting(first, false);
}
