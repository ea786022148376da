import { basicStrategy } from "./strategies/basic.js";
import { bearerStrategy } from "./strategies/bearer.js";
import { headerStrategy } from "./strategies/header.js";
import { headersStrategy } from "./strategies/headers.js";
import { queryStrategy } from "./strategies/query.js";
import { urlStrategy } from "./strategies/url.js";

/** Every auth type. A new one is one file in `strategies/` and one line here. */
export const AUTH_STRATEGIES = [
  bearerStrategy,
  headerStrategy,
  headersStrategy,
  basicStrategy,
  urlStrategy,
  queryStrategy,
] as const;
