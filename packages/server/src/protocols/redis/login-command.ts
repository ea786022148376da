import { isLocalLogin } from "../local-login.js";
import type { LocalLogin } from "../session-driver.js";
import { serializeCommand, type Command } from "./command.js";

/** What becomes of a client's AUTH or HELLO. */
export interface Judgement {
  /** Whether the client has proved itself by it. */
  readonly isLoggedIn: boolean;
  /** `reply`: what the client gets; `forward`: what the server gets, without any credential of the client. */
  readonly action: { readonly reply: Buffer } | { readonly forward: Buffer };
}

export const OK = Buffer.from("+OK\r\n");
export const NO_AUTH = replyError("NOAUTH", "Authentication required.");

const WRONG_PASSWORD = replyError("WRONGPASS", "the username or the password of the session is wrong");
const HELLO_WITHOUT_AUTH = replyError(
  "NOAUTH",
  "HELLO needs the option AUTH with the username and the password of the session, or an AUTH before it",
);

/** An error as both versions of the protocol send it: a word in capitals for programs, and a sentence. */
export function replyError(code: string, sentence: string): Buffer {
  return Buffer.from(`-${code} ${sentence.replace(/[\r\n]+/g, " ")}\r\n`);
}

/**
 * Judges `AUTH password` and `AUTH username password` (https://redis.io/docs/latest/commands/auth/). The form without a
 * username is right with the password alone.
 *
 * @param login undefined if any credential will do
 */
export function judgeAuth({ args }: Command, login: LocalLogin | undefined): Judgement {
  if (args.length === 0) return refused(replyError("ERR", "wrong number of arguments for 'auth' command"));
  if (args.length > 2) return refused(replyError("ERR", "syntax error"));
  const [username, password] = args.length === 1 ? [undefined, args[0]] : args;
  return isRight(username, password, login)
    ? { isLoggedIn: true, action: { reply: OK } }
    : refused(WRONG_PASSWORD);
}

/**
 * Judges `HELLO [version [AUTH username password] [SETNAME name]]` (https://redis.io/docs/latest/commands/hello/), and
 * takes the credential out of it. Nothing of a HELLO that is not understood is passed on: a credential could be in it.
 *
 * @param hasLoggedIn whether the client proved itself before
 */
export function judgeHello(
  { args }: Command,
  login: LocalLogin | undefined,
  hasLoggedIn: boolean,
): Judgement {
  const [version, ...options] = args;
  if (version !== undefined && !/^\d{1,10}$/.test(version.toString("latin1")))
    return refused(replyError("ERR", "Protocol version is not an integer or out of range"));
  const forwarded: Buffer[] = version === undefined ? [] : [version];
  let isLoggedIn = hasLoggedIn || login === undefined;
  while (options.length > 0) {
    const [option, first, second] = options;
    const name = option?.toString("latin1").toUpperCase();
    if (name === "AUTH" && second !== undefined) {
      if (!isRight(first, second, login)) return refused(WRONG_PASSWORD);
      isLoggedIn = true;
      options.splice(0, 3);
    } else if (name === "SETNAME" && option !== undefined && first !== undefined) {
      forwarded.push(option, first);
      options.splice(0, 2);
    } else return refused(replyError("ERR", "Syntax error in an option of HELLO"));
  }
  if (!isLoggedIn) return refused(HELLO_WITHOUT_AUTH);
  return { isLoggedIn: true, action: { forward: serializeCommand("HELLO", ...forwarded) } };
}

function refused(reply: Buffer): Judgement {
  return { isLoggedIn: false, action: { reply } };
}

function isRight(
  username: Buffer | undefined,
  password: Buffer | undefined,
  login: LocalLogin | undefined,
): boolean {
  if (login === undefined) return true;
  return isLocalLogin(
    { username: username?.toString() ?? login.username, password: password?.toString() ?? "" },
    login,
  );
}
