import type { Parsed, WireSocket } from "../../wire/wire-socket.js";
import { ProtocolViolation } from "../../wire/protocol-violation.js";
import type { LocalLogin } from "../session-driver.js";
import { readCommand, type Command } from "./command.js";
import { REDIS_LIMITS } from "./limits.js";
import { judgeAuth, judgeHello, NO_AUTH, OK, replyError } from "./login-command.js";

/** What a client sent that logs in: the command as it came, for the server's login to be answered by it. */
export interface ClientLogin {
  readonly bytes: Buffer;
}

/**
 * Answers a client until it gives the login: everything but AUTH and HELLO gets NOAUTH, as from Redis.
 *
 * @returns the command that gave it, which is not answered yet; undefined if the client wants to go (QUIT)
 * @throws ProtocolViolation of the client
 */
export async function readClientLogin(
  client: WireSocket,
  login: LocalLogin,
): Promise<ClientLogin | undefined> {
  for (let count = 0; count < REDIS_LIMITS.commandsBeforeLogin; count += 1) {
    const { command, bytes } = await client.read(readWholeCommand, REDIS_LIMITS.commandBytes);
    if (command === undefined) continue;
    if (command.name === "QUIT") {
      await client.end(OK);
      return undefined;
    }
    const reply = refusalOf(command, login);
    if (reply === undefined) return { bytes: Buffer.from(bytes) };
    await client.write(reply);
  }
  await client.end(replyError("ERR", "too many commands without the login of the session"));
  throw new ProtocolViolation("too many commands without the login of the session", "client");
}

/** @returns undefined if the command gives the login */
function refusalOf(command: Command, login: LocalLogin): Buffer | undefined {
  if (command.name !== "AUTH" && command.name !== "HELLO") return NO_AUTH;
  const judgement = command.name === "AUTH" ? judgeAuth(command, login) : judgeHello(command, login, false);
  if (judgement.isLoggedIn) return undefined;
  return "reply" in judgement.action ? judgement.action.reply : NO_AUTH;
}

export interface WholeCommand {
  /** Undefined for an empty line. */
  readonly command: Command | undefined;
  readonly bytes: Buffer;
}

/** One command of a client that nothing is passed on of. Pure. @throws ProtocolViolation for what is not looked into */
export function readWholeCommand(bytes: Buffer): Parsed<WholeCommand> | undefined {
  const read = readCommand(bytes);
  if (read === undefined) return undefined;
  if (read.kind === "opaque")
    throw new ProtocolViolation("a command is broken, or too large before the log-in");
  const { length } = read;
  const command = read.kind === "command" ? read.command : undefined;
  return { value: { command, bytes: bytes.subarray(0, length) }, length };
}
