import type { Socket } from "node:net";
import { wasReset } from "./connection-end.js";
import { createContinueFilter } from "./continue-filter.js";

/**
 * Holds back what an upstream sends, by not reading it: the kernel's windows then fill up and slow the sender.
 *
 * undici's own pause stops its parser instead, and undici 7 ends the process by a failed assertion when the upstream
 * closes the connection of a paused answer. Its parser takes bytes only by `socket.read()`, so that is the gate.
 */
export interface ReadGate {
  /** Nothing is read from now on. An end of the stream waits too, behind what is not read yet. */
  close(): void;
  /** Reading goes on in the next turn. */
  open(): void;
  /** The answer that was read is whole: a `100 Continue` in front of the next one is taken out again. */
  answerEnded(): void;
  /** Whether the answer that is being read is one of HTTP/1.0. */
  readonly isHttp10: boolean;
  /** Why the connection broke, if it did: an end that came so is not the end of a message. */
  readonly failure: Error | null;
}

/**
 * Puts a gate before a socket's reader.
 * @param onRead called right before bytes are given out; what they bring about happens before the next call
 */
export function gateReads(socket: Socket, onRead: (gate: ReadGate) => void): void {
  const read = socket.read.bind(socket);
  const filter = createContinueFilter();
  let isOpen = true;
  let reset: Error | null = null;
  /** How much was sent when the last answer ended: nothing was asked since, as long as it is no more. */
  let sentBefore = socket.bytesWritten;
  // Before all that takes the end for that of a message.
  socket.prependListener("end", () => {
    if (wasReset(socket)) reset = new Error("the connection was reset");
  });
  const gate: ReadGate = {
    close() {
      isOpen = false;
    },
    open() {
      if (isOpen) return;
      isOpen = true;
      // In a turn of its own: the parser that is told of new bytes may be the one that is calling now.
      process.nextTick(() => socket.emit("readable"));
    },
    answerEnded() {
      filter.answerEnded();
      sentBefore = socket.bytesWritten;
    },
    get isHttp10() {
      return filter.isHttp10;
    },
    get failure() {
      return socket.errored ?? reset;
    },
  };
  socket.read = (size) => {
    // Node asks with 0 to look after its buffer, not for bytes.
    if (size === 0) return read(0) as unknown;
    if (!isOpen) return null;
    onRead(gate);
    const bytes: unknown = read(size);
    if (!Buffer.isBuffer(bytes)) return bytes;
    try {
      const passed = filter.take(bytes);
      // What nobody asked for is no part of the next answer (RFC 9112 §9.2); undici judges what it gets to see.
      if (filter.isHolding && socket.bytesWritten === sentBefore) socket.destroy();
      // All that there was is read: Node tells of what comes next.
      return passed.length > 0 ? passed : null;
    } catch (error) {
      socket.destroy(error instanceof Error ? error : undefined);
      return null;
    }
  };
}
