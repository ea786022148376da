import type { RouteRow } from "../route-row.js";
import { FILES } from "./files.js";
import { LOGINS } from "./logins.js";
import { POLICIES, POLICY_REMOVAL } from "./policies.js";
import { PROXIED_CALLS } from "./proxied-calls.js";
import { SERVICE_REMOVAL, SERVICES } from "./services.js";
import { SESSIONS } from "./sessions.js";
import { SSH } from "./ssh.js";
import { TOKEN_REMOVAL, TOKENS } from "./tokens.js";
import { CLOSING, OPENING } from "./vault-state.js";

/** Every route of the contract, in an order in which each finds what it needs. */
export const ROUTES: readonly RouteRow[] = [
  ...OPENING,
  ...SERVICES,
  ...PROXIED_CALLS,
  ...FILES,
  ...POLICIES,
  ...TOKENS,
  ...POLICY_REMOVAL,
  ...TOKEN_REMOVAL,
  ...LOGINS,
  ...SESSIONS,
  ...SSH,
  ...SERVICE_REMOVAL,
  ...CLOSING,
];
