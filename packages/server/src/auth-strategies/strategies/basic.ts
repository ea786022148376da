import { z } from "@hono/zod-openapi";
import { VaultProxyError } from "../../errors/vault-proxy-error.js";
import { Secret } from "../../redaction/secret.js";
import type { AuthStrategy } from "../auth-strategy.js";
import { NO_NAMES } from "../auth-strategy.js";

const MAX_LENGTH = 4096;
/** RFC 7617 §2: neither part may hold control characters. A lone surrogate has no UTF-8. */
const UTF8_TEXT = /^[^\p{Cc}\p{Cs}]*$/u;

const schema = z.strictObject({
  type: z.literal("basic"),
  username: z
    .string()
    .max(MAX_LENGTH)
    .regex(UTF8_TEXT, "must not hold control characters")
    .refine((name) => !name.includes(":"), "must not hold a colon (RFC 7617 §2)")
    .default("")
    .transform((value) => new Secret(value)),
  password: z
    .string()
    .max(MAX_LENGTH)
    .regex(UTF8_TEXT, "must not hold control characters")
    .transform((value) => new Secret(value)),
});

const SHORTEST_REAL_PASSWORD = 8;
const EMAIL_ADDRESS = /^[^\s@]{1,64}@[^\s@]{1,255}$/;
const SHORT_NAME = /^[A-Za-z][A-Za-z._-]{0,15}\d{0,4}$/;

/**
 * Whether the user name is surely no secret. Some APIs take the key as user name, with no password or a dummy one
 * (Stripe, Freshdesk's `key:X`, Toggl's `key:api_token`), so only what looks like a person's name is shown.
 */
function isPublicName(username: string, password: string): boolean {
  return (
    password.length >= SHORTEST_REAL_PASSWORD && (EMAIL_ADDRESS.test(username) || SHORT_NAME.test(username))
  );
}

/** RFC 7617 §2: `user-id ":" password`. */
function pairOf(config: z.output<typeof schema>): string {
  return `${config.username.reveal()}:${config.password.reveal()}`;
}

/** `Authorization: Basic` with UTF-8 (RFC 7617 §2.1). Either part may be empty, as Stripe and Twilio keys want. */
export const basicStrategy: AuthStrategy<z.output<typeof schema>> = {
  type: "basic",
  schema,
  secretFields: ["username", "password"],
  check(config) {
    if (config.username.isEmpty && config.password.isEmpty) {
      throw new VaultProxyError("invalid_request", "auth: username and password must not both be empty");
    }
  },
  describe(config) {
    const username = config.username.reveal();
    return isPublicName(username, config.password.reveal()) ? { username } : {};
  },
  secrets: (config) => [config.username, config.password].filter((secret) => !secret.isEmpty),
  searched(config) {
    const { username, password } = config;
    const pair = new Secret(pairOf(config));
    const isPublic = isPublicName(username.reveal(), password.reveal());
    return [
      { secret: password },
      { secret: pair, forms: "base64" },
      ...(isPublic ? [] : [{ secret: username }]),
    ];
  },
  // A key that stands in the user name's place, with no password or a dummy one.
  generated({ username, password }) {
    return password.reveal().length < SHORTEST_REAL_PASSWORD ? [username] : [];
  },
  createInjector(config) {
    const value = `Basic ${Buffer.from(pairOf(config), "utf8").toString("base64")}`;
    return {
      headerNames: new Set(["authorization"]),
      queryNames: NO_NAMES,
      inject: (request) => void request.headers.push("Authorization", value),
    };
  },
};
