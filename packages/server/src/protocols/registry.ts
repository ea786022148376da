import type { AuthConfig } from "../auth-strategies/service-definition.js";
import type { SessionProtocol } from "../auth-strategies/auth-strategy.js";
import type { SessionDriver } from "./session-driver.js";

/** Every protocol of sessions. A new one is one folder beside this file and one line here. */
export const SESSION_DRIVERS = {} as Readonly<Record<SessionProtocol, SessionDriver<AuthConfig>>>;
