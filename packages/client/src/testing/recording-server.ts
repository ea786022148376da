import { createServer, type IncomingMessage, type RequestListener, type ServerResponse } from "node:http";
import { once } from "node:events";
import type { AddressInfo } from "node:net";

export interface RecordedRequest {
  readonly method: string;
  /** The request target as it came over the wire. */
  readonly url: string;
  readonly headers: IncomingMessage["headers"];
  readonly body: string;
}

export interface RecordingServer extends AsyncDisposable {
  readonly addr: string;
  readonly requests: RecordedRequest[];
}

/** A plain HTTP server on loopback (or on a unix socket) that keeps what it was sent before `answer` answers. */
export async function startRecordingServer(
  answer: (request: RecordedRequest, response: ServerResponse) => unknown,
  socketPath?: string,
): Promise<RecordingServer> {
  const requests: RecordedRequest[] = [];
  const listener: RequestListener = (request, response) => {
    void (async () => {
      const chunks: Buffer[] = [];
      for await (const chunk of request) chunks.push(chunk as Buffer);
      const recorded = {
        method: request.method ?? "",
        url: request.url ?? "",
        headers: request.headers,
        body: Buffer.concat(chunks).toString(),
      };
      requests.push(recorded);
      await answer(recorded, response);
    })().catch(() => response.destroy());
  };
  const server = createServer(listener);
  server.listen(socketPath === undefined ? { port: 0, host: "127.0.0.1" } : { path: socketPath });
  await once(server, "listening");
  const addr =
    socketPath === undefined
      ? `http://127.0.0.1:${(server.address() as AddressInfo).port}`
      : `unix:${socketPath}`;
  return {
    addr,
    requests,
    [Symbol.asyncDispose]: async () => {
      server.close();
      server.closeAllConnections();
      await once(server, "close");
    },
  };
}

export function json(
  response: ServerResponse,
  status: number,
  body: unknown,
  headers: Record<string, string> = {},
) {
  response.writeHead(status, { "content-type": "application/json", ...headers });
  response.end(JSON.stringify(body));
}
