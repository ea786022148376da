/** Who is at the other end of a connection of a session. */
export type Peer = "client" | "server";

/**
 * The far end broke its protocol, a limit, or the connection. The message names the rule and holds nothing that the far
 * end sent.
 */
export class ProtocolViolation extends Error {
  override readonly name = "ProtocolViolation";
  /** Who did; undefined where a pure codec does not know whose bytes it reads. */
  readonly peer: Peer | undefined;

  constructor(message: string, peer?: Peer) {
    super(message);
    this.peer = peer;
  }
}
