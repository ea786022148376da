import { ProtocolViolation } from "../../wire/protocol-violation.js";
import type { WireSocket } from "../../wire/wire-socket.js";
import { decodeBase64 } from "../sasl/messages.js";
import type { LocalLogin } from "../session-driver.js";
import { parseCommand, type SmtpCommand } from "./command.js";
import { localExtensionLines, type Announcement } from "./extensions.js";
import { LIMITS } from "./limits.js";
import { parseLine } from "./line.js";
import { localMechanism, type LocalMechanism } from "./local-mechanisms.js";
import { formatReply } from "./reply.js";

/** How the client's part before the mail came to its end. */
export type ClientTurn =
  /** This command, with its CRLF, is the server's; so is all that follows. */
  { readonly kind: "mail"; readonly line: Buffer } | { readonly kind: "quit" };

export interface ClientDialogOptions {
  /** What the server said after the log-in. */
  readonly announcement: Announcement;
  /** What the client must log in with before its mail; undefined if it need not, and any login will do. */
  readonly login: LocalLogin | undefined;
  /** Called when the client need not log in any more. */
  readonly onLoggedIn: () => void;
}

/** What the vault calls itself where the server's name is no domain name. */
const OWN_NAME = "localhost";

/** The mail's commands, and those of extensions (RFC 4468, RFC 1985, Postfix's) that servers offer. */
const OF_THE_SERVER: ReadonlySet<string> = new Set([
  ...["MAIL", "RCPT", "DATA", "BDAT", "BURL", "EXPN", "ETRN", "XCLIENT", "XFORWARD"],
]);

/** Commands with which bytes come that are none: read on, the content would be commands (RFC 3030 §2). */
const WITH_CONTENT: ReadonlySet<string> = new Set(["BDAT"]);

/** A web page can have its browser send these to any port of the machine, with commands in the body. */
const OF_BROWSERS: ReadonlySet<string> = new Set([
  ...["CONNECT", "DELETE", "HEAD", "OPTIONS", "PATCH", "POST", "PUT", "TRACE"],
]);

/**
 * Greets a client, and answers it until its mail begins or it takes its leave.
 *
 * @throws ProtocolViolation of the client, which may not have been told yet
 */
export async function speakWithClient(client: WireSocket, options: ClientDialogOptions): Promise<ClientTurn> {
  const { login, announcement } = options;
  const domain = announcement.domain ?? OWN_NAME;
  let isLoggedIn = false;
  let failedLogins = 0;

  const answer = async (code: number, ...lines: readonly [string, ...string[]]): Promise<undefined> => {
    await client.write(formatReply(code, ...lines));
  };
  const readLine = (): Promise<Buffer> => client.read(parseLine, LIMITS.lineBytes);

  async function logIn(argument: string): Promise<undefined> {
    if (isLoggedIn) return answer(503, "5.5.1 You are logged in");
    const [name = "", initial, ...more] = argument.split(/ +/);
    const mechanism = localMechanism(name, login !== undefined);
    if (mechanism === undefined) return answer(504, "5.5.4 Log in with PLAIN or LOGIN");
    if (more.length > 0 || (initial !== undefined && !mechanism.takesInitialResponse))
      return answer(501, "5.5.4 Too many parameters");
    const answers = await readAnswers(mechanism, initial);
    if (answers === undefined) return answer(501, "5.5.2 Log-in given up");
    if (login === undefined || mechanism.accepts(answers, login)) {
      isLoggedIn = true;
      if (login !== undefined) options.onLoggedIn();
      return answer(235, "2.7.0 Logged in");
    }
    failedLogins += 1;
    if (failedLogins < LIMITS.failedLogins)
      return answer(535, "5.7.8 Not the user name and password of this session");
    await client.end(formatReply(421, "4.7.0 Too many failed log-ins"));
    throw new ProtocolViolation("too many failed log-ins", "client");
  }

  /** Undefined if the client gives up, or what it sends is not Base64. */
  async function readAnswers(
    { challenges }: LocalMechanism,
    initial: string | undefined,
  ): Promise<Buffer[] | undefined> {
    const answers: Buffer[] = [];
    for (const challenge of challenges) {
      let text = answers.length === 0 ? initial : undefined;
      if (text === undefined) {
        await answer(334, Buffer.from(challenge).toString("base64"));
        text = (await readLine()).toString("latin1");
      }
      // With the command, an equals sign stands for nothing (RFC 4954 §4).
      const decoded = decodeBase64(text === initial && text === "=" ? "" : text);
      if (decoded === undefined) return undefined;
      answers.push(decoded);
    }
    return answers;
  }

  async function serve({ verb, argument }: SmtpCommand): Promise<ClientTurn | undefined> {
    switch (verb) {
      case "EHLO":
        if (argument === "") return answer(501, "5.5.4 EHLO needs a name");
        return answer(250, domain, ...localExtensionLines(announcement));
      case "HELO":
        if (argument === "") return answer(501, "5.5.4 HELO needs a name");
        return answer(250, domain);
      case "AUTH":
        return logIn(argument);
      case "STARTTLS":
        return answer(502, "5.5.1 There is no TLS here: the vault has TLS with the server");
      case "RSET":
      case "NOOP":
        return answer(250, "2.0.0 OK");
      case "VRFY":
        return answer(252, "2.5.0 Send it a mail and see");
      case "HELP":
        return answer(214, "2.0.0 This is a session of vault-proxy: RFC 5321");
      case "QUIT":
        return { kind: "quit" };
      default:
        return answer(500, "5.5.2 Command not known");
    }
  }

  await answer(220, `${domain} ESMTP`);
  if (login === undefined) options.onLoggedIn();
  for (let count = 0; count < LIMITS.commands; count += 1) {
    const line = await readLine();
    if (line.length === 0) {
      await answer(500, "5.5.2 An empty line is no command");
      continue;
    }
    const command = parseCommand(line);
    if (command === undefined || OF_BROWSERS.has(command.verb))
      throw new ProtocolViolation("this is not SMTP", "client");
    const mayMail = login === undefined || isLoggedIn;
    if (!OF_THE_SERVER.has(command.verb)) {
      const turn = await serve(command);
      if (turn !== undefined) return turn;
    } else if (mayMail) {
      return { kind: "mail", line: Buffer.concat([line, Buffer.from("\r\n")]) };
    } else if (WITH_CONTENT.has(command.verb)) {
      await client.end(formatReply(530, "5.7.0 Log in first"));
      throw new ProtocolViolation("content came before the log-in", "client");
    } else {
      await answer(530, "5.7.0 Log in first");
    }
  }
  throw new ProtocolViolation("too many commands", "client");
}
