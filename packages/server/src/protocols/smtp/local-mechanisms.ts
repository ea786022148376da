import { parsePlainMessage } from "../sasl/messages.js";
import { isLocalLogin } from "../local-login.js";
import type { LocalLogin } from "../session-driver.js";

/** The server's part of a SASL mechanism, for local clients. */
export interface LocalMechanism {
  /** One for each answer that the client gives. */
  readonly challenges: readonly string[];
  /** Whether the first answer may come with the command. */
  readonly takesInitialResponse: boolean;
  /** Whether these answers, one for each challenge, are the login. */
  accepts(answers: readonly Buffer[], login: LocalLogin): boolean;
}

/** Those that local clients are offered. */
const OFFERED: ReadonlyMap<string, LocalMechanism> = new Map([
  ["PLAIN", { challenges: [""], takesInitialResponse: true, accepts: isPlainLogin }],
  ["LOGIN", { challenges: ["Username:", "Password:"], takesInitialResponse: true, accepts: isLoginLogin }],
]);

/**
 * Libraries can be set to use one of these whatever is offered. Where any login will do, they shall find what they look
 * for; what they send is not looked at.
 */
const UNCHECKED: ReadonlyMap<string, LocalMechanism> = new Map([
  ["XOAUTH2", { challenges: [""], takesInitialResponse: true, accepts: never }],
  ["OAUTHBEARER", { challenges: [""], takesInitialResponse: true, accepts: never }],
  ["CRAM-MD5", { challenges: ["<vault-proxy@localhost>"], takesInitialResponse: false, accepts: never }],
]);

/**
 * @param name in any letter case
 * @param mustLogIn whether not just any login will do
 */
export function localMechanism(name: string, mustLogIn: boolean): LocalMechanism | undefined {
  const key = name.toUpperCase();
  return OFFERED.get(key) ?? (mustLogIn ? undefined : UNCHECKED.get(key));
}

function isPlainLogin([message = Buffer.alloc(0)]: readonly Buffer[], login: LocalLogin): boolean {
  const given = parsePlainMessage(message);
  if (given === undefined) return false;
  const actsForItself = given.authorizationId === "" || given.authorizationId === given.username;
  return isLocalLogin(given, login) && actsForItself;
}

function isLoginLogin(
  [username = Buffer.alloc(0), password = Buffer.alloc(0)]: readonly Buffer[],
  login: LocalLogin,
): boolean {
  return isLocalLogin({ username: username.toString(), password: password.toString() }, login);
}

function never(): boolean {
  return false;
}
