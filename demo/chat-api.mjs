/** A local stand-in for an API in the OpenAI shape: HTTPS, a key or 401, and streamed chat completions. */
import { once } from "node:events";
import { createServer } from "node:https";
import { setTimeout as sleep } from "node:timers/promises";

/** What it answers, word by word. */
export const WORDS = "Hello from the API: this answer was streamed through the vault, word by word.".split(
  " ",
);
/** Between two words; long enough to see that none waits for the next. */
export const WORD_INTERVAL_MS = 60;

/**
 * @typedef {object} ReceivedCall
 * @property {string} request Method and path, as they came.
 * @property {string | undefined} authorization
 * @property {string[]} headerValues Every value of every header.
 * @property {number[]} wordsSentAt When each streamed word left, in ms of `performance.now()`.
 */

/**
 * Starts the API on a free port of loopback.
 *
 * @param {{ key: string, tls: { certificate: string, key: string } }} options `key` is what callers must show.
 */
export async function startChatApi({ key, tls }) {
  /** @type {ReceivedCall[]} */
  const received = [];
  const server = createServer({ cert: tls.certificate, key: tls.key }, (request, response) => {
    /** @type {ReceivedCall} */
    const call = {
      request: `${String(request.method)} ${String(request.url)}`,
      authorization: request.headers.authorization,
      headerValues: request.rawHeaders.filter((_, index) => index % 2 === 1),
      wordsSentAt: [],
    };
    received.push(call);
    answer(request, response, call).catch(() => response.destroy());
  });

  /**
   * @param {import("node:http").IncomingMessage} request
   * @param {import("node:http").ServerResponse} response
   * @param {ReceivedCall} call
   */
  async function answer(request, response, call) {
    /** @type {Buffer[]} */
    const chunks = [];
    for await (const chunk of request) chunks.push(chunk);
    if (call.authorization !== `Bearer ${key}`) {
      return sendJson(response, 401, {
        error: {
          message: "Incorrect API key provided.",
          type: "invalid_request_error",
          code: "invalid_api_key",
        },
      });
    }
    if (call.request === "GET /v1/models") {
      return sendJson(response, 200, { object: "list", data: [{ id: "demo-model", object: "model" }] });
    }
    if (call.request !== "POST /v1/chat/completions") {
      return sendJson(response, 404, {
        error: { message: "Unknown request URL.", type: "invalid_request_error" },
      });
    }
    const { model, stream } = JSON.parse(Buffer.concat(chunks).toString("utf8"));
    const shared = { id: "chatcmpl-demo", created: Math.floor(Date.now() / 1000), model };
    if (stream !== true) {
      const message = { role: "assistant", content: WORDS.join(" ") };
      const choices = [{ index: 0, message, finish_reason: "stop" }];
      return sendJson(response, 200, { ...shared, object: "chat.completion", choices });
    }

    response.writeHead(200, { "content-type": "text/event-stream", "cache-control": "no-cache" });
    /**
     * @param {object} delta
     * @param {string | null} finishReason
     */
    const send = (delta, finishReason) => {
      const choices = [{ index: 0, delta, finish_reason: finishReason }];
      const event = { ...shared, object: "chat.completion.chunk", choices };
      response.write(`data: ${JSON.stringify(event)}\n\n`);
    };
    send({ role: "assistant", content: "" }, null);
    for (const [index, word] of WORDS.entries()) {
      await sleep(WORD_INTERVAL_MS);
      call.wordsSentAt.push(performance.now());
      send({ content: index === 0 ? word : ` ${word}` }, null);
    }
    send({}, "stop");
    response.end("data: [DONE]\n\n");
  }

  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = /** @type {import("node:net").AddressInfo} */ (server.address());
  return {
    url: `https://127.0.0.1:${String(port)}`,
    received,
    async stop() {
      server.close();
      server.closeAllConnections();
      await once(server, "close");
    },
  };
}

/**
 * @param {import("node:http").ServerResponse} response
 * @param {number} status
 * @param {object} body
 */
function sendJson(response, status, body) {
  response.writeHead(status, { "content-type": "application/json" });
  response.end(JSON.stringify(body));
}
