import type { LoginStatus } from "@vault-proxy/client";

import { CliError } from "../failures.js";

const HINTS: Readonly<Record<string, string>> = {
  expired: "log in again, and sooner",
  superseded: "ten others were begun since; log in again",
  no_refresh_token: "see `oauth login --help`: --scope, --authorize-param, --long-lived-token",
  issuer_mismatch: "see --issuer; if it is right, somebody mixed up the login",
  destination_blocked: "see --allow-private",
};

/** @throws CliError for a login that failed */
export function assertDone(login: LoginStatus): void {
  if (login.status === "done") return;
  const code = login.code ?? "failed";
  throw new CliError(login.error ?? "the login failed", HINTS[code], code);
}
