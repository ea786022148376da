import { imapType } from "./session-types/imap.js";
import { postgresType } from "./session-types/postgres.js";
import { redisType } from "./session-types/redis.js";
import { smtpType } from "./session-types/smtp.js";
import { sshKeyType } from "./ssh-types/ssh-key.js";
import { basicStrategy } from "./strategies/basic.js";
import { bearerStrategy } from "./strategies/bearer.js";
import { githubAppStrategy } from "./strategies/github-app.js";
import { headerStrategy } from "./strategies/header.js";
import { headersStrategy } from "./strategies/headers.js";
import { jwtBearerStrategy } from "./strategies/jwt-bearer.js";
import { oauth2ClientStrategy } from "./strategies/oauth2-client.js";
import { queryStrategy } from "./strategies/query.js";
import { serviceAccountStrategy } from "./strategies/service-account.js";
import { urlStrategy } from "./strategies/url.js";

/** Every auth type. A new one is one file in `strategies/`, or in `session-types/` or `ssh-types/`, and one line here. */
export const AUTH_STRATEGIES = [
  bearerStrategy,
  headerStrategy,
  headersStrategy,
  basicStrategy,
  urlStrategy,
  queryStrategy,
  oauth2ClientStrategy,
  serviceAccountStrategy,
  jwtBearerStrategy,
  githubAppStrategy,
  imapType,
  smtpType,
  redisType,
  postgresType,
  sshKeyType,
] as const;
