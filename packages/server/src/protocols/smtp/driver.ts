import type { SmtpConfig } from "../../auth-strategies/session-types/smtp.js";
import { VaultProxyError } from "../../errors/vault-proxy-error.js";
import { ProtocolViolation } from "../../wire/protocol-violation.js";
import type { WireSocket } from "../../wire/wire-socket.js";
import type {
  ConnectedEnds,
  ConnectionTools,
  LocalLogin,
  ProtocolSession,
  SessionDriver,
} from "../session-driver.js";
import { sessionFailure } from "../session-failure.js";
import { speakWithClient, type ClientDialogOptions } from "./client-dialog.js";
import { LIMITS } from "./limits.js";
import { formatReply } from "./reply.js";
import { connectAndLogIn, type LoggedInServer } from "./server-login.js";

/** Whose credential is no good: to try again will not help. */
const LOGIN_FAILURES: ReadonlySet<string> = new Set([
  "upstream_login_failed",
  "oauth2_reauthorization_required",
]);

/** Hands mails to a server (RFC 5321, RFC 6409). */
export const smtpDriver: SessionDriver<SmtpConfig> = {
  protocol: "smtp",
  open(config, login): ProtocolSession {
    return {
      refusal: formatReply(421, "4.3.2 The session takes no more clients"),
      connect: (client, tools) => connect(client, tools, { config, login }),
    };
  },
  urlOf({ host, port }, _config, login): string {
    const userinfo =
      login === undefined
        ? ""
        : `${encodeURIComponent(login.username)}:${encodeURIComponent(login.password.reveal())}@`;
    return `smtp://${userinfo}${host.includes(":") ? `[${host}]` : host}:${port}`;
  },
};

/** The greeting and the answer to EHLO are the server's own: so the server comes first. */
async function connect(
  client: WireSocket,
  tools: ConnectionTools,
  { config, login }: { readonly config: SmtpConfig; readonly login: LocalLogin | undefined },
): Promise<ConnectedEnds | undefined> {
  let server: LoggedInServer;
  try {
    server = await connectAndLogIn(config, tools);
  } catch (error) {
    throw await tellFailure(client, error);
  }
  try {
    const onLoggedIn = (): void => {
      if (login !== undefined) tools.takePlace();
      tools.onLoggedIn();
    };
    return await serveClient(client, server, { login, onLoggedIn });
  } catch (error) {
    server.wire.destroy();
    throw await tellFailure(client, error);
  }
}

async function serveClient(
  client: WireSocket,
  { wire, announcement }: LoggedInServer,
  options: Pick<ClientDialogOptions, "login" | "onLoggedIn">,
): Promise<ConnectedEnds | undefined> {
  const turn = await Promise.race([speakWithClient(client, { announcement, ...options }), whenLost(wire)]);
  if (turn.kind === "mail") {
    await wire.write(turn.line);
    return { client, server: wire };
  }
  await Promise.all([client.end(formatReply(221, "2.0.0 Bye")), wire.end("QUIT\r\n")]);
  return undefined;
}

/**
 * Rejects when the server closes the connection: one that waits too long for a mail does (RFC 5321 §4.5.3.2.7). What it
 * says before stays where it is, for the client.
 */
async function whenLost(server: WireSocket): Promise<never> {
  try {
    return await server.read<never>(() => undefined, LIMITS.replyBytes);
  } catch (error) {
    if (!(error instanceof ProtocolViolation)) throw error;
    throw new VaultProxyError("upstream_failed", "the server closed the connection before the mail", {
      cause: error,
    });
  }
}

/** @returns what to throw */
async function tellFailure(client: WireSocket, thrown: unknown): Promise<Error> {
  if (thrown instanceof ProtocolViolation && thrown.peer === "client") {
    await client.end(formatReply(500, `5.5.2 ${thrown.message}`));
    return thrown;
  }
  const error = sessionFailure(thrown);
  await client.end(failureReply(error));
  return error;
}

function failureReply({ code, message }: VaultProxyError): string {
  return LOGIN_FAILURES.has(code)
    ? formatReply(535, `5.7.8 ${message}`)
    : formatReply(421, `4.3.0 ${message}`);
}
