import type { IncomingMessage } from "node:http";

/** How long the whole body of a control-plane request may take to arrive, in milliseconds. */
export interface ControlBodyTimes {
  readonly bodyMs: number;
  /** For an upload, whose sender has shown an admin's token. */
  readonly uploadMs: number;
}

export const CONTROL_BODY_TIMES: ControlBodyTimes = {
  /** Up to 1 MB of JSON, from whoever can reach the port. */
  bodyMs: 20_000,
  /** Up to 5 MB. */
  uploadMs: 120_000,
};

/**
 * Ends the connection of a request whose body does not arrive in time.
 * @returns gives the body the time of an upload, from now on
 */
export function limitBodyTime(request: IncomingMessage, { bodyMs, uploadMs }: ControlBodyTimes): () => void {
  if (request.complete) return () => undefined;
  const end = (): void => {
    // An answer may take longer than its request: `end` waits until somebody has read it.
    if (!request.complete) request.socket.destroy();
  };
  let timer = setTimeout(end, bodyMs);
  const stop = (): void => clearTimeout(timer);
  request.once("end", stop).once("close", stop);
  return function allowUpload() {
    stop();
    if (!request.complete) timer = setTimeout(end, uploadMs);
  };
}
