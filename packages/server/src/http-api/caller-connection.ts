import type { ServerResponse } from "node:http";

/** Aborts when the caller goes away before it has its answer. */
export function callerSignal(response: ServerResponse): AbortSignal {
  const gone = new AbortController();
  const onClose = (): void => {
    if (!response.writableFinished) gone.abort();
  };
  if (response.destroyed) onClose();
  else response.once("close", onClose);
  return gone.signal;
}
