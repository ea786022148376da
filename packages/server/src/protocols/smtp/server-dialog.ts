import { VaultProxyError } from "../../errors/vault-proxy-error.js";
import { ProtocolViolation } from "../../wire/protocol-violation.js";
import type { WireSocket } from "../../wire/wire-socket.js";
import { LIMITS } from "./limits.js";
import { parseReply, type SmtpReply } from "./reply.js";

/** "Service not available, closing transmission channel" (RFC 5321 §4.2.3): it may answer any command. */
const CLOSING = 421;

/**
 * Waits for a reply: the greeting, or the answer to what was sent.
 * @throws VaultProxyError if the server takes its leave; ProtocolViolation
 */
export async function readReply(wire: WireSocket): Promise<SmtpReply> {
  const reply = await wire.read(parseReply, LIMITS.replyBytes);
  if (reply.code === CLOSING)
    throw new VaultProxyError("upstream_failed", "the server is not available at the moment");
  return reply;
}

/**
 * Sends one line and waits for its reply. A server that has spoken before it was asked is out of step: its words would
 * be taken for the answer.
 */
export async function command(wire: WireSocket, line: string): Promise<SmtpReply> {
  if (wire.hasMore) throw new ProtocolViolation("a reply came before its command", "server");
  await wire.write(`${line}\r\n`);
  return readReply(wire);
}
