import type { ImapConfig } from "../../auth-strategies/session-types/imap.js";
import { imapPort } from "../../auth-strategies/session-types/imap.js";
import { VaultProxyError } from "../../errors/vault-proxy-error.js";
import { ProtocolViolation } from "../../wire/protocol-violation.js";
import type { WireSocket } from "../../wire/wire-socket.js";
import {
  isSendableToken,
  OAUTHBEARER_ERROR_ANSWER,
  oauthBearerMessage,
  plainMessage,
  xoauth2Message,
} from "../sasl/messages.js";
import type { ConnectionTools } from "../session-driver.js";
import { loginRefused } from "../session-failure.js";
import { hasCapability, type Capabilities } from "./capabilities.js";
import { createServerDialog, type Answer, type Command, type ServerDialog } from "./server-dialog.js";
import { commandWithStrings } from "./strings.js";

/** A server that has logged in. */
export interface LoggedIn {
  readonly wire: WireSocket;
  /** What it offers from now on. */
  readonly capabilities: Capabilities;
}

/** Response codes of a `NO` that says nothing about the credential (RFC 5530 §3). */
const NOT_NOW: ReadonlySet<string> = new Set(["UNAVAILABLE", "INUSE", "LIMIT", "SERVERBUG"]);

/**
 * Connects and logs in as the service says, over TLS as it says.
 *
 * @throws VaultProxyError `upstream_login_failed` for a credential that the server refuses; what
 *   `ConnectionTools.connectServer` and `accessToken` throw
 */
export async function connectAndLogIn(config: ImapConfig, tools: ConnectionTools): Promise<LoggedIn> {
  const credential = await credentialOf(config, tools);
  return tools.connectServer(async (plainWire) => {
    const isImplicit = config.imap_tls === "implicit";
    let wire = isImplicit ? (await tools.secure(plainWire)).wire : plainWire;
    const dialog = createServerDialog(wire);
    let announced = await dialog.greeting();
    if (config.imap_tls === "starttls") {
      await agreeToTls(dialog, announced);
      ({ wire } = await tools.secure(wire));
      dialog.continueOn(wire);
      // Whoever changed the bytes in the clear changed that list too (RFC 9051 §6.2.1).
      announced = undefined;
    }
    const offered = announced ?? (await askForCapabilities(dialog));
    const answer = await dialog.command(logInCommand(config, credential, offered));
    assertLoggedIn(answer);
    return { wire, capabilities: answer.capabilities ?? (await askForCapabilities(dialog)) };
  });
}

/** The password, or the access token in its place. */
async function credentialOf(config: ImapConfig, tools: ConnectionTools): Promise<string> {
  if (config.oauth_service === undefined) return config.imap_password?.reveal() ?? "";
  const token = await tools.accessToken(config.oauth_service);
  if (!isSendableToken(token))
    throw new VaultProxyError("upstream_failed", "the access token holds characters that cannot be sent");
  return token;
}

async function agreeToTls(dialog: ServerDialog, announced: Capabilities | undefined): Promise<void> {
  const offered = announced ?? (await askForCapabilities(dialog));
  if (!hasCapability(offered, "STARTTLS")) throw notOffered("STARTTLS");
  const { condition } = await dialog.command({ parts: ["STARTTLS\r\n"] });
  if (condition !== "OK") throw new VaultProxyError("upstream_failed", "the server refused STARTTLS");
}

async function askForCapabilities(dialog: ServerDialog): Promise<Capabilities> {
  const { condition, capabilities } = await dialog.command({ parts: ["CAPABILITY\r\n"] });
  if (condition !== "OK" || capabilities === undefined)
    throw new ProtocolViolation("it does not tell its capabilities", "server");
  return capabilities;
}

function logInCommand(config: ImapConfig, credential: string, offered: Capabilities): Command {
  const user = config.imap_user;
  switch (config.imap_auth) {
    case "login":
      if (hasCapability(offered, "LOGINDISABLED"))
        throw new VaultProxyError("upstream_failed", "the server does not allow LOGIN on this connection");
      return { parts: commandWithStrings("LOGIN", [user, credential], offered) };
    case "plain":
      return authenticate("PLAIN", plainMessage(user, credential), offered);
    case "xoauth2":
      return {
        ...authenticate("XOAUTH2", xoauth2Message(user, credential), offered),
        errorAnswer: "\r\n",
      };
    case "oauthbearer": {
      const server = { host: config.imap_host, port: imapPort(config) };
      return {
        ...authenticate("OAUTHBEARER", oauthBearerMessage(user, credential, server), offered),
        errorAnswer: base64Line(OAUTHBEARER_ERROR_ANSWER),
      };
    }
  }
}

/** RFC 9051 §6.2.2; the message goes with the command if the server takes it there (RFC 4959). */
function authenticate(mechanism: string, message: Buffer, offered: Capabilities): Command {
  if (!hasCapability(offered, `AUTH=${mechanism}`)) throw notOffered(`AUTHENTICATE ${mechanism}`);
  const command = `AUTHENTICATE ${mechanism}`;
  return hasCapability(offered, "SASL-IR")
    ? { parts: [`${command} ${base64Line(message)}`] }
    : { parts: [`${command}\r\n`, base64Line(message)] };
}

function base64Line(message: Buffer): string {
  return `${message.toString("base64")}\r\n`;
}

function assertLoggedIn({ condition, code = "" }: Answer): void {
  if (condition === "OK") return;
  if (condition === "BAD")
    throw new VaultProxyError("upstream_failed", "the server rejected the log-in command");
  if (code === "PRIVACYREQUIRED")
    throw new VaultProxyError("upstream_failed", "the server wants TLS before the log-in");
  if (NOT_NOW.has(code))
    throw new VaultProxyError("upstream_failed", "the server lets nobody log in at the moment");
  throw loginRefused();
}

function notOffered(what: string): VaultProxyError {
  return new VaultProxyError("upstream_failed", `the server does not offer ${what} on this connection`);
}
