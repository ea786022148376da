import { once } from "node:events";
import { createServer, type AddressInfo, type Socket } from "node:net";
import { makeKeyPair } from "../../packages/server/src/ssh/testing/key-pair.js";
import ssh2, { type Connection, type Session } from "ssh2";
import { encodeKexinit } from "./ssh-kexinit.js";

const HOST = "127.0.0.1";

/**
 * What the server does last:
 *
 * - `accept`: it takes the TCP connection
 * - `identification`: it says that it speaks SSH
 * - `kexinit`: it says what algorithms it has
 * - `key-exchange`: all is encrypted; the request for the service of authentication is never answered
 * - `service`: it has the service; no authentication is ever answered
 * - `authentication`: it lets everybody in; the opening of a channel is never answered
 * - `channel`: it opens channels; requests in them (exec, shell, pty-req, subsystem) are never answered
 * - `request`: it says yes to each request, and nothing after that: no output, no exit, no SFTP version
 */
export const HANGING_STAGES = [
  "accept",
  "identification",
  "kexinit",
  "key-exchange",
  "service",
  "authentication",
  "channel",
  "request",
] as const;
export type HangingStage = (typeof HANGING_STAGES)[number];

export interface HangingSshServer {
  readonly host: string;
  readonly port: number;
  /** Type and Base64; nothing has seen it before the stage `key-exchange`. */
  readonly hostKey: string;
  /** How many clients have connected since the start. */
  readonly accepted: () => number;
  /** How many are connected now. */
  readonly open: () => number;
  close(): Promise<void>;
}

/** A server that does all it should up to a stage, and from then on nothing. It takes every user and credential. */
export async function startHangingSshServer(stage: HangingStage): Promise<HangingSshServer> {
  const keys = makeKeyPair();
  const scripted = new ssh2.Server({ hostKeys: [keys.private] }, (client) => hangAfter(stage, client));
  const sockets = new Set<Socket>();
  let accepted = 0;
  const server = createServer((socket) => {
    accepted += 1;
    sockets.add(socket);
    socket.on("close", () => sockets.delete(socket));
    socket.on("error", () => undefined);
    // What a client sends is read, so that its end is seen.
    if (stage === "accept") socket.resume();
    else if (stage === "identification") socket.resume().write("SSH-2.0-hanging\r\n");
    else if (stage === "kexinit") {
      socket.resume().write(Buffer.concat([Buffer.from("SSH-2.0-hanging\r\n"), encodeKexinit()]));
    } else scripted.injectSocket(socket);
  });
  server.listen(0, HOST);
  await once(server, "listening");
  return {
    host: HOST,
    port: (server.address() as AddressInfo).port,
    hostKey: keys.public.trim().split(" ").slice(0, 2).join(" "),
    accepted: () => accepted,
    open: () => sockets.size,
    async close() {
      const closed = once(server, "close");
      server.close();
      for (const socket of sockets) socket.destroy();
      await closed;
    },
  };
}

function hangAfter(stage: HangingStage, client: Connection): void {
  client.on("error", () => undefined);
  if (stage === "key-exchange") {
    leaveServiceRequestsUnanswered(client);
    return;
  }
  if (stage === "service") {
    client.on("authentication", () => undefined);
    return;
  }
  client.on("authentication", (context) => context.accept());
  client.on("session", (accept) => {
    if (stage === "authentication") return;
    hangInSession(stage, accept());
  });
}

/** An event that has a listener is no longer answered by ssh2 itself. */
function hangInSession(stage: HangingStage, session: Session): void {
  const answer = (accept?: () => unknown): void => {
    // Whoever asks for no answer gets none.
    if (stage === "request") accept?.();
  };
  session.on("exec", answer);
  session.on("shell", answer);
  session.on("pty", answer);
  session.on("env", answer);
  session.on("signal", answer);
  session.on("window-change", answer);
  // With a listener for `sftp`, ssh2 would speak SFTP.
  session.on("subsystem", answer);
}

/** ssh2 asks nobody whether it should answer. */
function leaveServiceRequestsUnanswered(client: Connection): void {
  const { _protocol } = client as unknown as {
    _protocol: { _handlers: Record<string, (...args: never) => void> };
  };
  _protocol._handlers.SERVICE_REQUEST = () => undefined;
}
