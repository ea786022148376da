import type { IncomingMessage } from "node:http";

/** How long the body of a control-plane request may take to arrive, in milliseconds. */
export interface ControlBodyTimes {
  /** All of it. */
  readonly bodyMs: number;
  /** All of an upload, whose sender has shown a token. */
  readonly uploadMs: number;
  /** How long nothing of an upload may come while it is waited for. */
  readonly uploadIdleMs: number;
}

export const CONTROL_BODY_TIMES: ControlBodyTimes = {
  /** Up to 1 MB of JSON, from whoever can reach the port. */
  bodyMs: 20_000,
  /** Up to 50 MB. */
  uploadMs: 3_600_000,
  uploadIdleMs: 30_000,
};

/** How often an upload is looked at within the time that it may be idle. */
const LOOKS = 4;

/**
 * Ends the connection of a request whose body does not arrive in time.
 * @returns gives the body the time of an upload, from now on
 */
export function limitBodyTime(
  request: IncomingMessage,
  { bodyMs, uploadMs, uploadIdleMs }: ControlBodyTimes,
): () => void {
  if (request.complete) return () => undefined;
  const end = (): void => {
    // An answer may take longer than its request: `end` waits until somebody has read it.
    if (!request.complete) request.socket.destroy();
  };
  let timer = setTimeout(end, bodyMs);
  let idleTimer: NodeJS.Timeout | undefined;
  const stop = (): void => {
    clearTimeout(timer);
    clearTimeout(idleTimer);
  };
  const watch = (bytesBefore: number, looksLeft: number): void => {
    idleTimer = setTimeout(() => {
      const { bytesRead } = request.socket;
      // What has come and is not read yet waits for us, or for a server that takes it slowly.
      const isIdle = bytesRead === bytesBefore && request.readableLength === 0;
      if (isIdle && looksLeft === 1) end();
      else watch(bytesRead, isIdle ? looksLeft - 1 : LOOKS);
    }, uploadIdleMs / LOOKS);
  };
  request.once("end", stop).once("close", stop);
  return function allowUpload() {
    stop();
    if (request.complete) return;
    timer = setTimeout(end, uploadMs);
    watch(request.socket.bytesRead, LOOKS);
  };
}
