import type { ServerResponse } from "node:http";

/**
 * Says `100 Continue` (RFC 9110 §15.2.1) when it is the response's turn. Node puts the head of an answer that waits
 * behind a pipelined one in front of what was queued before it, so that an early `100 Continue` would come out between
 * that head and its body.
 */
export function sayContinue(response: ServerResponse): void {
  if (response.socket !== null) response.writeContinue();
  else {
    response.once("socket", () => {
      if (!response.headersSent) response.writeContinue();
    });
  }
}
