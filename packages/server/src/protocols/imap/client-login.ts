import { ProtocolViolation } from "../../wire/protocol-violation.js";
import type { WireSocket } from "../../wire/wire-socket.js";
import { isLocalLogin, type GivenLogin } from "../local-login.js";
import { decodeBase64, parsePlainMessage } from "../sasl/messages.js";
import type { LocalLogin } from "../session-driver.js";
import type { Capabilities } from "./capabilities.js";
import { readCommand, type ClientCommand } from "./client-commands.js";
import { parseStrings, parseTextLine } from "./commands.js";
import { IMAP_LIMITS } from "./limits.js";

export interface ClientLoginOptions {
  /** What the greeting and CAPABILITY list. */
  readonly capabilities: Capabilities;
  readonly login: LocalLogin | undefined;
}

/** What became of one command: a log-in to be checked, a refusal in words of the protocol, or neither. */
type Attempt = GivenLogin | "any" | { readonly refusal: string };

/**
 * Greets a client and serves it until it has logged in (RFC 9051 §3.1, §3.2).
 *
 * @returns the tag of the log-in, which is not answered yet; undefined after LOGOUT
 * @throws ProtocolViolation
 */
export async function logInClient(
  client: WireSocket,
  { capabilities, login }: ClientLoginOptions,
): Promise<string | undefined> {
  const list = `CAPABILITY ${capabilities.join(" ")}`;
  let refusedLogins = 0;
  await client.write(`* OK [${list}] vault-proxy is ready\r\n`);

  for (let count = 0; count < IMAP_LIMITS.commands; count += 1) {
    const command = await readCommand(client);
    if (command === undefined) continue;
    const { tag, name } = command;
    switch (name) {
      case "CAPABILITY":
        await client.write(`* ${list}\r\n${tag} OK these are all\r\n`);
        break;
      case "ID":
        await client.write(`* ID NIL\r\n${tag} OK that is all\r\n`);
        break;
      case "NOOP":
        await client.write(`${tag} OK nothing done\r\n`);
        break;
      case "LOGOUT":
        await client.end(`* BYE until next time\r\n${tag} OK logged out\r\n`);
        return undefined;
      case "LOGIN":
      case "AUTHENTICATE": {
        const attempt = name === "LOGIN" ? readLogin(command) : await readAuthenticate(client, command);
        if (attempt !== "any" && "refusal" in attempt) {
          await client.write(`${tag} ${attempt.refusal}\r\n`);
          break;
        }
        if (login === undefined || (attempt !== "any" && isLocalLogin(attempt, login))) return tag;
        await client.write(`${tag} NO [AUTHENTICATIONFAILED] wrong user name or password\r\n`);
        refusedLogins += 1;
        if (refusedLogins >= IMAP_LIMITS.refusedLogins)
          throw new ProtocolViolation("too many wrong passwords", "client");
        break;
      }
      default:
        await client.write(`${tag} BAD not before the log-in\r\n`);
    }
  }
  throw new ProtocolViolation("too many commands before the log-in", "client");
}

/** RFC 9051 §6.2.3. */
function readLogin(command: ClientCommand): Attempt {
  const [username, password, ...more] = parseStrings(command.arguments) ?? [];
  if (username === undefined || password === undefined || more.length > 0)
    return { refusal: "BAD LOGIN takes a user name and a password" };
  return { username: fromLatin1(username), password: fromLatin1(password) };
}

/** The text of bytes that were read as Latin-1. */
function fromLatin1(bytes: string): string {
  return Buffer.from(bytes, "latin1").toString();
}

/** The challenges of each mechanism (draft-murchison-sasl-login for LOGIN), in Base64. */
const CHALLENGES: ReadonlyMap<string, readonly string[]> = new Map([
  ["PLAIN", [""]],
  ["LOGIN", ["Username:", "Password:"].map((prompt) => Buffer.from(prompt).toString("base64"))],
  ["XOAUTH2", [""]],
  ["OAUTHBEARER", [""]],
]);

/** RFC 9051 §6.2.2, with the initial response of RFC 4959. */
async function readAuthenticate(client: WireSocket, command: ClientCommand): Promise<Attempt> {
  const [mechanism, initial, ...more] = parseStrings(command.arguments) ?? [];
  if (mechanism === undefined || more.length > 0) return { refusal: "BAD AUTHENTICATE takes a mechanism" };
  const name = mechanism.toUpperCase();
  const challenges = CHALLENGES.get(name);
  if (challenges === undefined) return { refusal: "NO there is no such mechanism here" };
  // No response at all is spelled so where an empty line cannot stand.
  const given = initial === undefined ? [] : [initial === "=" ? "" : initial];
  const responses: Buffer[] = [];
  for (const challenge of challenges) {
    const response = given.shift() ?? (await askClient(client, challenge));
    if (response === "*") return { refusal: "BAD cancelled" };
    const decoded = decodeBase64(response);
    if (decoded === undefined) return { refusal: "BAD this is not Base64" };
    responses.push(decoded);
  }
  return attemptOf(name, responses);
}

async function askClient(client: WireSocket, challenge: string): Promise<string> {
  await client.write(`+ ${challenge}\r\n`);
  return client.read(parseTextLine, IMAP_LIMITS.lineBytes);
}

function attemptOf(mechanism: string, [first = Buffer.alloc(0), second]: readonly Buffer[]): Attempt {
  if (second !== undefined) return { username: first.toString(), password: second.toString() };
  if (mechanism !== "PLAIN") return "any";
  const message = parsePlainMessage(first);
  if (message === undefined) return { refusal: "BAD this is not a message of PLAIN" };
  const { authorizationId, username, password } = message;
  if (authorizationId !== "" && authorizationId !== username)
    return { refusal: "NO [AUTHORIZATIONFAILED] act as yourself" };
  return { username, password };
}
