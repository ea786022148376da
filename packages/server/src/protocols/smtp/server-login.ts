import type { SmtpConfig } from "../../auth-strategies/session-types/smtp.js";
import { VaultProxyError } from "../../errors/vault-proxy-error.js";
import { ProtocolViolation } from "../../wire/protocol-violation.js";
import type { WireSocket } from "../../wire/wire-socket.js";
import { isSendableToken } from "../sasl/messages.js";
import type { ConnectionTools } from "../session-driver.js";
import { loginRefused } from "../session-failure.js";
import { hasExtension, offeredMechanisms, readAnnouncement, type Announcement } from "./extensions.js";
import { LIMITS } from "./limits.js";
import { chooseMechanism, createExchange, type Exchange } from "./mechanisms.js";
import { command, readReply } from "./server-dialog.js";

/** A server that is logged in to, and waits for a mail. */
export interface LoggedInServer {
  readonly wire: WireSocket;
  /** What it says after the log-in. */
  readonly announcement: Announcement;
}

/** What a client calls itself that has no name of its own (RFC 5321 §4.1.4): this machine's is nobody's business. */
const OWN_NAME = "[127.0.0.1]";

const CODE = {
  ready: 220,
  authenticated: 235,
  done: 250,
  challenge: 334,
  /** 500 to 509 are about the form of a command (RFC 5321 §4.2.1). */
  afterSyntax: 510,
  authenticationRequired: 530,
  mechanismTooWeak: 534,
  credentialRefused: 535,
  encryptionRequired: 538,
} as const;

/**
 * Connects and logs in as the service says, over TLS as it says.
 *
 * @throws VaultProxyError `upstream_login_failed` for a credential that the server refuses; what
 *   `ConnectionTools.connectServer` and `accessToken` throw
 */
export async function connectAndLogIn(config: SmtpConfig, tools: ConnectionTools): Promise<LoggedInServer> {
  const credential = await credentialOf(config, tools);
  return tools.connectServer(async (plainWire) => {
    const isImplicit = config.smtp_tls === "implicit";
    let wire = isImplicit ? (await tools.secure(plainWire)).wire : plainWire;
    const greeting = await readReply(wire);
    if (greeting.code !== CODE.ready) throw failure("the server takes no mail from here");
    let announcement = await introduce(wire);
    if (config.smtp_tls === "starttls") {
      if (!hasExtension(announcement, "STARTTLS")) throw failure("the server does not offer STARTTLS");
      const { code } = await command(wire, "STARTTLS");
      if (code !== CODE.ready) throw failure("the server refused STARTTLS");
      ({ wire } = await tools.secure(wire));
      // What was said in the clear may be anybody's words (RFC 3207 §4.2).
      announcement = await introduce(wire);
    }
    await authenticate(wire, config, { credential, announcement });
    return { wire, announcement: await introduceAgain(wire, announcement) };
  });
}

/** The password, or the access token in its place. */
async function credentialOf(config: SmtpConfig, tools: ConnectionTools): Promise<string> {
  if (config.oauth_service === undefined) return config.smtp_password?.reveal() ?? "";
  const token = await tools.accessToken(config.oauth_service);
  if (!isSendableToken(token)) throw failure("the access token holds characters that cannot be sent");
  return token;
}

/** A server without EHLO would have no log-in either: HELO is not tried. */
async function introduce(wire: WireSocket): Promise<Announcement> {
  const reply = await command(wire, `EHLO ${OWN_NAME}`);
  if (reply.code !== CODE.done) throw failure("the server does not take EHLO");
  return readAnnouncement(reply);
}

/** Many servers offer more to those who are logged in; one that takes no second EHLO has said what it offers. */
async function introduceAgain(wire: WireSocket, former: Announcement): Promise<Announcement> {
  const reply = await command(wire, `EHLO ${OWN_NAME}`);
  return reply.code === CODE.done ? readAnnouncement(reply) : former;
}

/** RFC 4954 §4. */
async function authenticate(
  wire: WireSocket,
  config: SmtpConfig,
  { credential, announcement }: { readonly credential: string; readonly announcement: Announcement },
): Promise<void> {
  const offered = offeredMechanisms(announcement);
  if (offered.size === 0) throw failure("the server offers no log-in on this connection");
  const name = chooseMechanism(config, offered);
  if (name === undefined) throw failure("the server does not offer the way to log in that the service wants");
  const { answers, speaksFirst } = createExchange(name, config.smtp_user, credential);
  const opening = openingOf(`AUTH ${name}`, { answers, speaksFirst });
  let given = opening.given;
  let reply = await command(wire, opening.line);
  while (reply.code === CODE.challenge) {
    const answer = answers[given];
    if (answer === undefined || reply.lines.length > 1)
      throw new ProtocolViolation("a challenge is not of the mechanism", "server");
    given += 1;
    const line = answer(reply.lines[0]).toString("base64");
    if (line.length + 2 > LIMITS.lineBytes)
      throw new VaultProxyError("upstream_login_failed", "the stored credential is too long for SMTP");
    reply = await command(wire, line);
  }
  if (reply.code !== CODE.authenticated) throw loginFailure(reply.code, given > 0);
}

/** The command, with the first answer if both fit into a command's line. */
function openingOf(line: string, { answers, speaksFirst }: Exchange): { line: string; given: number } {
  const first = speaksFirst ? answers[0]?.("").toString("base64") : undefined;
  const whole = `${line} ${first ?? ""}\r\n`;
  return first === undefined || whole.length > LIMITS.authCommandBytes
    ? { line, given: 0 }
    : { line: `${line} ${first}`, given: 1 };
}

/** RFC 4954 §6. Servers have codes of their own for accounts that are closed or locked: 550, 554, 525. */
function loginFailure(code: number, isCredentialSent: boolean): VaultProxyError {
  if (code < 400) return failure("the server's answer to the log-in is none");
  if (code < 500) return failure("the server lets nobody log in at the moment");
  if (code === CODE.authenticationRequired || code === CODE.encryptionRequired)
    return failure("the server wants TLS before the log-in");
  if (code === CODE.mechanismTooWeak) return failure("the server wants another way to log in");
  if (!isCredentialSent || code < CODE.afterSyntax) return failure("the server rejected the log-in command");
  return loginRefused();
}

function failure(message: string): VaultProxyError {
  return new VaultProxyError("upstream_failed", message);
}
