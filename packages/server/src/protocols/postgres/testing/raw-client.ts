import { once } from "node:events";
import { connect, type Socket } from "node:net";
import { BodyReader } from "../body-reader.js";
import { messageParser, type Message } from "../message.js";
import { startupMessage, type StartupMessage } from "../startup-packet.js";

const parse = messageParser(1_000_000);

/** Everything that comes on a connection until it is closed. */
export async function heardBy(socket: Socket): Promise<Buffer> {
  const chunks: Buffer[] = [];
  socket.on("data", (chunk: Buffer) => chunks.push(chunk));
  socket.on("error", () => undefined);
  await once(socket, "close");
  return Buffer.concat(chunks);
}

/** Connects, sends, and hears the other side until it closes. */
export async function talk(port: number, ...bytes: readonly Buffer[]): Promise<Buffer> {
  const socket = connect(port, "127.0.0.1");
  socket.write(Buffer.concat(bytes));
  return heardBy(socket);
}

/** A StartupMessage with text parameters. */
export function startup(
  parameters: Readonly<Record<string, string>>,
  minorVersion: StartupMessage["minorVersion"] = 0,
): Buffer {
  return startupMessage({
    minorVersion,
    parameters: Object.entries(parameters).map(([name, value]) => ({ name, value: Buffer.from(value) })),
  });
}

/** @throws {Error} if something is left that is no whole message */
export function messagesOf(bytes: Buffer): Message[] {
  const messages: Message[] = [];
  let rest = bytes;
  while (rest.length > 0) {
    const parsed = parse(rest);
    if (parsed === undefined) throw new Error("a message is not whole");
    messages.push(parsed.value);
    rest = rest.subarray(parsed.length);
  }
  return messages;
}

/** The ErrorResponse that a connection ended with. */
export function fatalOf(bytes: Buffer): Readonly<Record<string, string>> {
  const last = messagesOf(bytes).at(-1);
  if (last?.type !== "E") throw new Error("the last message is no ErrorResponse");
  const fields: Record<string, string> = {};
  const reader = new BodyReader(last.body);
  for (;;) {
    const type = reader.bytes(1).toString("latin1");
    if (type === "\0") return fields;
    fields[type] = reader.cstring().toString();
  }
}
