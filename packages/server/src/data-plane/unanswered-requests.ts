import type { ServerResponse } from "node:http";
import type { Duplex } from "node:stream";

/** Requests that one connection may have under way: the answers to pipelined ones wait for their turn. */
export const MAX_UNANSWERED = 64;
/**
 * So many end the connection. Node reads no further where unsent answers pile up, but makes two objects, 4 KB, of each
 * request that it has read: of 64 KB of them that would be 6 MB.
 */
const MOST_UNANSWERED = 2 * MAX_UNANSWERED;

/** Which requests of each connection are not answered yet. */
export interface UnansweredRequests {
  /**
   * Counts one more, until its response is closed; ends the connection if that is by far too many.
   * @returns how many there are, this one included; undefined if the connection has ended
   */
  add(socket: Duplex, response: ServerResponse): number | undefined;
  on(socket: Duplex): number;
}

export function createUnansweredRequests(): UnansweredRequests {
  const counts = new WeakMap<Duplex, number>();
  const countOn = (socket: Duplex): number => counts.get(socket) ?? 0;
  return {
    add(socket, response) {
      const count = countOn(socket) + 1;
      if (count > MOST_UNANSWERED) {
        // Node's parser goes on all the same with what was read before.
        socket.destroy();
        return undefined;
      }
      counts.set(socket, count);
      response.once("close", () => counts.set(socket, countOn(socket) - 1));
      return count;
    },
    on: countOn,
  };
}
