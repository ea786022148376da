import { readAnswerText } from "./answer-text.js";
import { invalidRequest } from "./errors.js";
import type { Exchange } from "./exchange.js";
import { survivesUrlParser } from "./request-target.js";
import { chunksOf } from "./response-chunks.js";

/** Sends by a `fetch`, and refuses what fetch would send differently from what was asked. */
export function createFetchExchange(origin: string, platformFetch: typeof fetch): Exchange {
  return {
    send: async ({ method, target, headers, body, signal }) => {
      if (!survivesUrlParser(origin, target)) {
        throw invalidRequest(
          "this runtime's fetch would rewrite the path: percent-encode it, without dot segments",
        );
      }
      if (body !== undefined && (method === "GET" || method === "HEAD")) {
        throw invalidRequest(`this runtime's fetch cannot send a body with ${method}`);
      }
      const response = await platformFetch(origin + target, {
        method,
        headers: headers.map(([name, value]) => [name, value] as [string, string]),
        redirect: "manual",
        signal,
        ...(body === undefined ? {} : { body }),
        ...(body instanceof ReadableStream ? { duplex: "half" } : {}),
      });
      return {
        status: response.status,
        header: (name) => response.headers.get(name) ?? undefined,
        text: (maxBytes) => readAnswerText(chunksOf(response.body), maxBytes),
        response: () => response,
      };
    },
    close: () => undefined,
  };
}
