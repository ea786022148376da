import { Socket, type OnReadOpts } from "node:net";
import type { Duplex } from "node:stream";
import { TLSSocket } from "node:tls";

/** As much as libuv reads at once anyway. */
const BUFFER_BYTES = 64 * 1024;

/**
 * Reads a connection into one Buffer again and again, which takes a third less processor time than a Buffer for each read.
 * Whoever reads the connection as a stream gets copies; what is passed on to another connection needs none.
 */
export class ReusedReads {
  #buffer = Buffer.allocUnsafe(BUFFER_BYTES);
  #from: Socket | undefined;
  #to: Socket | undefined;

  /** For `net.connect`. */
  readonly onread: OnReadOpts = {
    buffer: () => this.#buffer,
    callback: (length) => this.#take(length),
  };

  /** Says which connection was made with {@link ReusedReads.onread}: before anything is read. */
  attach(socket: Socket): void {
    this.#from = socket;
  }

  /**
   * Passes on what there is and comes, as `pipe` does: with back-pressure, and in the end the end. What comes when `to`
   * takes nothing any more is dropped.
   *
   * @returns false, and nothing was done, if `to` does not say whether it has done with bytes that it was given
   */
  passTo(to: Duplex): boolean {
    const from = this.#from;
    if (from === undefined || !(to instanceof Socket) || to instanceof TLSSocket) return false;
    for (;;) {
      const chunk: unknown = from.read();
      if (!Buffer.isBuffer(chunk)) break;
      to.write(chunk);
    }
    this.#to = to;
    to.on("drain", () => from.resume());
    from.once("end", () => to.end());
    if (from.readableEnded) to.end();
    else if (!to.writableNeedDrain) from.resume();
    return true;
  }

  /** @returns whether more is wanted now */
  #take(length: number): boolean {
    const bytes = this.#buffer.subarray(0, length);
    const to = this.#to;
    if (to === undefined) return this.#from?.push(Buffer.from(bytes)) ?? false;
    if (!to.writable) return true;
    const isMoreWanted = to.write(bytes);
    // What the system has not taken at once is still to be read from there.
    if (to.writableLength > 0) this.#buffer = Buffer.allocUnsafe(BUFFER_BYTES);
    return isMoreWanted;
  }
}
