import type { ServerResponse } from "node:http";
import { RESPONSE_ALREADY_SENT } from "@hono/node-server/utils/response";
import { OWN_ANSWER_HEADERS } from "../data-plane/own-answer.js";

/** How long a caller may take nothing. */
const CALLER_IDLE_MS = 60_000;

export interface StreamedAnswer {
  /** Resolves when the next piece may be written. Rejects if the caller is gone. */
  write(chunk: Buffer | string): Promise<void> | undefined;
  end(): void;
  /** Breaks the transfer off, so that nobody takes it for whole. */
  breakOff(): void;
}

/** What a route's handler returns when its answer was streamed past the framework. */
export const STREAMED = RESPONSE_ALREADY_SENT;

/** Begins an answer that leaves piece by piece as it comes, with the vault's headers on it. */
export function beginStreamedAnswer(
  response: ServerResponse,
  headers: Readonly<Record<string, string>>,
): StreamedAnswer {
  for (const [name, value] of OWN_ANSWER_HEADERS) response.setHeader(name, value);
  response.writeHead(200, headers);
  response.flushHeaders();
  return {
    write(chunk) {
      if (response.destroyed || response.writableEnded)
        return Promise.reject(new Error("the caller is gone"));
      if (response.write(chunk)) return undefined;
      return new Promise((resolve, reject) => {
        const timer = setTimeout(() => response.destroy(), CALLER_IDLE_MS);
        const settle = (): void => {
          clearTimeout(timer);
          response.off("drain", settle).off("close", settle);
          if (response.destroyed) reject(new Error("the caller is gone"));
          else resolve();
        };
        response.on("drain", settle).on("close", settle);
      });
    },
    end: () => response.end(),
    breakOff: () => response.destroy(),
  };
}
