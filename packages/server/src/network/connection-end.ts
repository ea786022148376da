import type { Socket } from "node:net";
import { constants } from "node:os";

/** What Node keeps behind a connection, as far as it is asked here. Not public: where it is missing, nothing is concluded. */
interface WithHandle {
  readonly _handle?: { readonly getpeername?: (address: object) => number } | null;
}

/**
 * Whether a connection that has just ended, as it seems in good order, was reset. Node tells a reset that comes along
 * with the last bytes as an end: libuv reads no further where the system reports a hang-up. But a connection that the
 * other side closed keeps its peer until it is closed on this side too, and one that was reset has none.
 */
export function wasReset(socket: Socket): boolean {
  const { _handle: handle } = socket as WithHandle;
  return handle?.getpeername?.({}) === -constants.errno.ENOTCONN;
}
