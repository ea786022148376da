import { ProtocolViolation } from "../../wire/protocol-violation.js";
import type { WireSocket } from "../../wire/wire-socket.js";
import { readSqlState } from "./error-response.js";
import { serverRefusal } from "./failure.js";
import { POSTGRES_LIMITS } from "./limits.js";
import { messageParser, type Message } from "./message.js";

const parse = messageParser(POSTGRES_LIMITS.serverMessageBytes);

/** The next message of a server in the log-in. */
export type NextMessage = () => Promise<Message>;

/**
 * Reads a server's messages, up to what a log-in may have of them in all.
 *
 * @throws VaultProxyError for an ErrorResponse, of which the SQLSTATE alone is read; ProtocolViolation
 */
export function loginReader(wire: WireSocket): NextMessage {
  let messages = 0;
  let bytes = 0;
  return async function next() {
    const message = await wire.read(parse, POSTGRES_LIMITS.serverMessageBytes);
    messages += 1;
    bytes += message.bytes.length;
    if (messages > POSTGRES_LIMITS.serverLoginMessages || bytes > POSTGRES_LIMITS.serverLoginBytes)
      throw new ProtocolViolation("the log-in has too many messages", "server");
    if (message.type === "E") throw serverRefusal(readSqlState(message.body));
    return message;
  };
}
