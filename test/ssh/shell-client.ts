import { once } from "node:events";
import { WebSocket, type ClientOptions } from "ws";

const WAIT_MS = 10_000;

/** The client's end of a shell. */
export interface ShellClient {
  readonly socket: WebSocket;
  /** All that the shell has put out, as text. */
  readonly screen: () => string;
  /** How many bytes that is. */
  readonly received: () => number;
  /** Resolves with the match as soon as `pattern` is on the screen. */
  see(pattern: RegExp): Promise<RegExpExecArray>;
  type(text: string): void;
  resize(cols: number, rows: number): void;
  readonly closed: Promise<{ readonly code: number; readonly reason: string }>;
}

/** Opens `/ssh/{service}/session` of a server, or rejects with the {@link Refused} answer. */
export async function openShell(
  address: string,
  path: string,
  token: string,
  options: ClientOptions = {},
): Promise<ShellClient> {
  const socket = new WebSocket(address.replace(/^http/, "ws") + path, {
    perMessageDeflate: false,
    ...options,
    headers: { Authorization: `Bearer ${token}`, ...options.headers },
  });
  let text = "";
  let received = 0;
  socket.on("message", (chunk: Buffer) => {
    received += chunk.length;
    if (text.length < 1_000_000) text += chunk.toString();
  });
  const closed = new Promise<{ code: number; reason: string }>((resolve) => {
    socket.on("close", (code, reason) => resolve({ code, reason: reason.toString() }));
  });
  socket.on("error", () => undefined);
  await new Promise<void>((resolve, reject) => {
    socket.once("open", resolve);
    socket.once("error", reject);
    socket.once("unexpected-response", (_request, response) => {
      void (async () => {
        let body = "";
        response.on("data", (chunk: Buffer) => (body += chunk.toString()));
        await once(response, "end");
        reject(new Refused(response.statusCode ?? 0, response.headers, body));
      })();
    });
  });
  return {
    socket,
    closed,
    screen: () => text,
    received: () => received,
    type: (keys) => socket.send(keys),
    resize: (cols, rows) => socket.send(Buffer.from([1, cols >> 8, cols & 255, rows >> 8, rows & 255])),
    see: (pattern) =>
      new Promise((resolve, reject) => {
        const giveUp = (why: string): void => {
          clearTimeout(timer);
          reject(new Error(`${why} before ${String(pattern)} was seen:\n${text}`));
        };
        const timer = setTimeout(() => giveUp("time was up"), WAIT_MS);
        const look = (): void => {
          const found = pattern.exec(text);
          if (found === null) return;
          clearTimeout(timer);
          socket.off("message", look);
          resolve(found);
        };
        socket.on("message", look);
        look();
        void closed.then(({ code, reason }) => giveUp(`closed with ${code} ${reason}`));
      }),
  };
}

/** A handshake that was answered with something else than a switch of protocols. */
export class Refused extends Error {
  constructor(
    readonly status: number,
    readonly headers: Readonly<Record<string, string | string[] | undefined>>,
    readonly body: string,
  ) {
    super(`refused with ${status}: ${body}`);
  }
}
