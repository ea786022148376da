import type { ImapConfig } from "../../auth-strategies/session-types/imap.js";
import { VaultProxyError } from "../../errors/vault-proxy-error.js";
import { ProtocolViolation } from "../../wire/protocol-violation.js";
import type { WireSocket } from "../../wire/wire-socket.js";
import type { ConnectedEnds, ConnectionTools, LocalLogin, SessionDriver } from "../session-driver.js";
import { capabilitiesBeforeLogin, MINIMAL_CAPABILITIES } from "./capabilities.js";
import { logInClient } from "./client-login.js";
import { IMAP_LIMITS } from "./limits.js";
import { connectAndLogIn, type LoggedIn } from "./server-login.js";

/** The last word to a server whose client did not come to log in. */
const LOGOUT = "v0 LOGOUT\r\n";

export const imapDriver: SessionDriver<ImapConfig> = {
  protocol: "imap",
  open: (config, login) => ({
    refusal: "* BYE the session takes no more clients\r\n",
    connect: (client, tools) => connect({ client, tools, config, login }),
  }),
  urlOf({ host, port }, config, login) {
    const place = `${host.includes(":") ? `[${host}]` : host}:${port}`;
    // RFC 5092 §3; the form with a password is that of RFC 1738 §3.1, which clients take.
    if (login === undefined) return `imap://${encodeURIComponent(config.imap_user)}@${place}`;
    const [user, password] = [login.username, login.password.reveal()].map(encodeURIComponent);
    return `imap://${user}:${password}@${place}`;
  },
};

interface Connecting {
  readonly client: WireSocket;
  readonly tools: ConnectionTools;
  readonly config: ImapConfig;
  readonly login: LocalLogin | undefined;
}

async function connect(connecting: Connecting): Promise<ConnectedEnds | undefined> {
  return connecting.login === undefined ? serverFirst(connecting) : clientFirst(connecting);
}

/** Any client may pass: it is greeted by what the server offers, so the server is logged in to before. */
async function serverFirst({ client, tools, config, login }: Connecting): Promise<ConnectedEnds | undefined> {
  let server: LoggedIn | undefined;
  try {
    server = await connectAndLogIn(config, tools);
    const capabilities = capabilitiesBeforeLogin(server.capabilities);
    const tag = await Promise.race([logInClient(client, { capabilities, login }), whenLost(server.wire)]);
    if (tag === undefined) {
      await server.wire.end(LOGOUT);
      return undefined;
    }
    await client.write(loggedIn(tag, server));
    return { client, server: server.wire };
  } catch (error) {
    await Promise.all([client.end(bye(error)), server?.wire.end(LOGOUT)]);
    throw error;
  }
}

/** A client has to show that it may: until then the server hears nothing, and the client nothing of the server. */
async function clientFirst({ client, tools, config, login }: Connecting): Promise<ConnectedEnds | undefined> {
  let tag: string | undefined;
  try {
    const capabilities = capabilitiesBeforeLogin(MINIMAL_CAPABILITIES);
    tag = await logInClient(client, { capabilities, login });
    if (tag === undefined) return undefined;
    tools.takePlace();
    const server = await connectAndLogIn(config, tools);
    await client.write(loggedIn(tag, server));
    return { client, server: server.wire };
  } catch (error) {
    // RFC 5530 §3: it is not the client's fault.
    const refusal = tag === undefined ? "" : `${tag} NO [UNAVAILABLE] ${sentence(error)}\r\n`;
    await client.end(`${refusal}${bye(error)}`);
    throw error;
  }
}

function loggedIn(tag: string, { capabilities }: LoggedIn): string {
  return `${tag} OK [CAPABILITY ${capabilities.join(" ")}] logged in\r\n`;
}

function bye(error: unknown): string {
  return `* BYE ${sentence(error)}\r\n`;
}

/** Why it failed, on one line. */
function sentence(error: unknown): string {
  const isForClients = error instanceof VaultProxyError || error instanceof ProtocolViolation;
  return isForClients ? error.message.replace(/[^\x20-\x7e]/g, "?") : "the session failed";
}

/**
 * Rejects when a connection is over, as long as nobody else reads from it. What the server says meanwhile stays there
 * for the client.
 */
async function whenLost(wire: WireSocket): Promise<never> {
  try {
    return await wire.read<never>(() => undefined, IMAP_LIMITS.waitingBytes);
  } catch (error) {
    if (!(error instanceof ProtocolViolation)) throw error;
    throw new VaultProxyError(
      "upstream_failed",
      "the server closed the connection before the client logged in",
      {
        cause: error,
      },
    );
  }
}
