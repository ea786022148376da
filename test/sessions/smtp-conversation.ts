import { once } from "node:events";
import { connect } from "node:net";

const PATIENCE_MS = 10_000;

/** A client of SMTP that says what it is told, and reads whole replies. */
export interface SmtpConversation {
  /** The next reply, with all its lines. */
  reply(): Promise<string>;
  /** Sends a line, and waits for its reply. */
  ask(line: string): Promise<string>;
  /** Sends bytes as they are. */
  send(bytes: Buffer | string): void;
  /** Closes the sending direction alone. */
  endSending(): void;
  /** All that comes until the other side closes. */
  rest(): Promise<string>;
  destroy(): void;
}

/** Starts a conversation; the greeting has not been read. */
export async function converse(port: number): Promise<SmtpConversation> {
  const socket = connect({ port, host: "127.0.0.1", noDelay: true, allowHalfOpen: true });
  await once(socket, "connect");
  let heard = "";
  let isOver = false;
  let wake = (): void => undefined;
  const onOver = (): void => {
    isOver = true;
    wake();
  };
  socket
    .setEncoding("utf8")
    .on("data", (text: string) => {
      heard += text;
      wake();
    })
    .on("end", onOver)
    .on("error", onOver)
    .on("close", onOver);
  const changed = async (): Promise<void> => {
    const timer = setTimeout(() => wake(), PATIENCE_MS);
    const before = heard.length;
    await new Promise<void>((resolve) => (wake = resolve));
    clearTimeout(timer);
    if (heard.length === before && !isOver) throw new Error(`no reply after ${JSON.stringify(heard)}`);
  };
  const reply = async (): Promise<string> => {
    for (;;) {
      const [whole] = /^(?:\d{3}-.*\r\n)*\d{3} .*\r\n/.exec(heard) ?? [];
      if (whole !== undefined) {
        heard = heard.slice(whole.length);
        return whole;
      }
      if (isOver) throw new Error(`the connection ended after ${JSON.stringify(heard)}`);
      await changed();
    }
  };
  return {
    reply,
    ask(line) {
      socket.write(`${line}\r\n`);
      return reply();
    },
    send: (bytes) => void socket.write(bytes),
    endSending: () => void socket.end(),
    async rest() {
      while (!isOver) await changed();
      return heard;
    },
    destroy: () => void socket.destroy(),
  };
}
