import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";

export interface EchoApi extends AsyncDisposable {
  readonly origin: string;
}

/** Says what it was asked; streams at `/stream`, and never answers at `/hang`. */
export async function startEchoApi(): Promise<EchoApi> {
  const server = createServer((request, response) => {
    if (request.url === "/hang") return;
    if (request.url === "/stream") {
      response.write("first ");
      setTimeout(() => response.end("second"), 50);
      return;
    }
    const chunks: Buffer[] = [];
    request.on("data", (chunk: Buffer) => chunks.push(chunk));
    request.on("end", () => {
      const { method, url, headers } = request;
      const body = Buffer.concat(chunks).toString();
      response.setHeader("content-type", "application/json");
      response.end(JSON.stringify({ method, url, credential: headers["x-key"] !== undefined, body }));
    });
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    origin: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    [Symbol.asyncDispose]: async () => {
      server.close();
      server.closeAllConnections();
      await once(server, "close");
    },
  };
}
