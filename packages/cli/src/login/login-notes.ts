import type { LoginFlags } from "./login-flags.js";
import type { LoginPreset } from "./preset-choice.js";

/** Where the vault takes the browser back, if nothing else is said. */
const CALLBACK_PATH = "/auth/oauth2/callback";

/**
 * What to do at the provider before the first login, and what else to know.
 * @param vaultAddress as the client has it; no browser reaches a unix socket
 */
export function presetNotes(preset: LoginPreset, flags: LoginFlags, vaultAddress: string): string[] {
  const { apps_page: page, advice } = preset.oauth2;
  const redirectUri = flags.redirectUri ?? defaultRedirectUri(vaultAddress);
  const knowsUri = flags.device !== true && flags.clientSecretFile === undefined;
  return [
    `${preset.title}: make a client at ${page ?? "the provider"}${page === undefined ? `, see ${preset.docs}` : ""}`,
    ...(knowsUri && redirectUri !== undefined ? [`  with the redirect URI ${redirectUri}`] : []),
    ...(advice === undefined ? [] : [`  ${advice}`]),
  ];
}

function defaultRedirectUri(vaultAddress: string): string | undefined {
  return /^https?:/.test(vaultAddress) ? `${new URL(vaultAddress).origin}${CALLBACK_PATH}` : undefined;
}
