import type { SessionProtocol } from "../auth-strategies/auth-strategy.js";
import type { AuthConfig } from "../auth-strategies/service-definition.js";
import { imapDriver } from "./imap/driver.js";
import { postgresDriver } from "./postgres/driver.js";
import { redisDriver } from "./redis/driver.js";
import type { SessionDriver } from "./session-driver.js";
import { smtpDriver } from "./smtp/driver.js";

/** Every protocol of sessions. A new one is one folder beside this file and one line here. */
const DRIVERS = {
  imap: imapDriver,
  smtp: smtpDriver,
  redis: redisDriver,
  postgres: postgresDriver,
} as const;

/** A driver gets the configuration of a service of its own type only, which that type's schema has made. */
export const SESSION_DRIVERS = DRIVERS as unknown as Readonly<
  Record<SessionProtocol, SessionDriver<AuthConfig>>
>;
