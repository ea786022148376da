import type { IncomingMessage } from "node:http";
import { connect } from "node:net";
import type { VaultClient } from "@vault-proxy/client";
import type { WebSocket } from "ws";

import type { TerminalSize } from "./terminal.js";

/** Longer than the vault takes to connect, to log in and to open a shell. */
const HANDSHAKE_MS = 60_000;
/** Of an answer that is no WebSocket. */
const MAX_ANSWER_BYTES = 64 * 1024;
/** Of one message of the vault. */
const MAX_MESSAGE_BYTES = 1024 * 1024;

/**
 * Opens a shell's WebSocket at the vault of a client, with its token.
 * @throws VaultError with the vault's own refusal, or as the client's calls
 */
export async function openShellSocket(
  client: VaultClient,
  service: string,
  size: TerminalSize,
): Promise<WebSocket> {
  // Refuses an address where the token could be read on the way, and tells what is wrong with token and service.
  await client.getService(service);
  const [{ WebSocket }, { VaultError }] = await Promise.all([import("ws"), import("@vault-proxy/client")]);
  const { url, socketPath } = addressOf(client, service, size);
  const socket = new WebSocket(url, {
    headers: { Authorization: `Bearer ${client.token}` },
    ...{ perMessageDeflate: false, handshakeTimeout: HANDSHAKE_MS, maxPayload: MAX_MESSAGE_BYTES },
    ...(socketPath === undefined ? {} : { createConnection: () => connect(socketPath) }),
  });
  // Output may come with the answer itself: nothing of it is lost before somebody listens.
  socket.on("upgrade", () => socket.once("open", () => socket.pause()));
  await new Promise<void>((resolve, reject) => {
    socket.once("open", resolve);
    socket.on("error", (cause) => {
      reject(
        new VaultError(0, "connection_failed", `cannot reach vault-server at ${client.addr}`, { cause }),
      );
    });
    socket.once("unexpected-response", (_request, response) => {
      void refusalOf(response).then(({ error, code, requestId }) => {
        const status = response.statusCode ?? 0;
        socket.terminate();
        if (error === undefined || code === undefined) {
          const message = `${client.addr} does not answer like a vault-server`;
          reject(new VaultError(0, "invalid_answer", message));
        } else {
          reject(new VaultError(status, code, error, requestId === undefined ? {} : { requestId }));
        }
      });
    });
  });
  return socket;
}

/**
 * Where the shell's WebSocket goes. The library's own form for a unix socket stands for no path with a blank or a colon.
 */
export function addressOf(
  client: Pick<VaultClient, "addr" | "sshSessionURL">,
  service: string,
  size: TerminalSize,
): { readonly url: string; readonly socketPath?: string } {
  const url = client.sshSessionURL(service, size);
  if (!client.addr.startsWith("unix:")) return { url };
  const socketPath = client.addr.slice("unix:".length);
  return { url: `ws://localhost${url.slice(`ws+unix:${socketPath}:`.length)}`, socketPath };
}

interface Refusal {
  readonly error?: string;
  readonly code?: string;
  readonly requestId?: string;
}

async function refusalOf(response: IncomingMessage): Promise<Refusal> {
  const requestId = response.headers["x-vault-request-id"];
  try {
    let text = "";
    for await (const chunk of response) {
      text += String(chunk);
      if (text.length > MAX_ANSWER_BYTES) return {};
    }
    const { error, code } = JSON.parse(text) as { error?: unknown; code?: unknown };
    if (typeof error !== "string" || typeof code !== "string") return {};
    return { error, code, ...(typeof requestId === "string" ? { requestId } : {}) };
  } catch {
    return {};
  }
}
