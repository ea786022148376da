import { ProtocolViolation } from "../../wire/protocol-violation.js";
import type { WireSocket } from "../../wire/wire-socket.js";
import { literalAnnouncement, parseCommandLine, parseTextLine, type CommandPiece } from "./commands.js";
import { IMAP_LIMITS } from "./limits.js";

export interface ClientCommand {
  readonly tag: string;
  /** In capitals. */
  readonly name: string;
  readonly arguments: readonly CommandPiece[];
}

/**
 * Reads one command with its literals, asking for those that the client waits with.
 *
 * @returns undefined if it was refused already, since one of them is too long
 * @throws ProtocolViolation
 */
export async function readCommand(client: WireSocket): Promise<ClientCommand | undefined> {
  const line = await client.read(parseCommandLine, IMAP_LIMITS.lineBytes);
  const pieces: CommandPiece[] = [];
  let { text } = line;
  for (;;) {
    const announced = literalAnnouncement(text);
    if (announced === undefined) {
      return { tag: line.tag, name: line.name, arguments: [...pieces, { text }] };
    }
    const { size, isSynchronizing } = announced;
    if (size > IMAP_LIMITS.literalBytes || pieces.length === IMAP_LIMITS.literals) {
      // Its bytes are on their way in any case, and must not be read as commands (RFC 7888 §4).
      if (!isSynchronizing) throw new ProtocolViolation("a literal is too long", "client");
      await client.write(`${line.tag} BAD [TOOBIG] the literal is too long\r\n`);
      return undefined;
    }
    if (isSynchronizing) await client.write("+ go on\r\n");
    const literal = size === 0 ? "" : (await client.readExactly(size)).toString("latin1");
    pieces.push({ text: announced.text, literal });
    text = await client.read(parseTextLine, IMAP_LIMITS.lineBytes);
  }
}
