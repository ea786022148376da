import type { LookupAddress } from "node:dns";
import { createServer as createHttpServer } from "node:http";
import { createServer as createHttpsServer } from "node:https";
import { createServer as createTcpServer, type AddressInfo, type Server, type Socket } from "node:net";
import type { TLSSocket } from "node:tls";
import { Client } from "undici";
import type { LookupAll } from "../allowed-lookup.js";
import { createConnector, type ConnectorOptions } from "../connector.js";
import { describeUpstreamError } from "../upstream-errors.js";
import { createTestAuthority } from "./test-certificates.js";

/** Real servers on loopback with certificates of a test authority, and a way to ask them through a connector. */
export interface LoopbackUpstreams {
  /** PEM of the authority. */
  readonly ca: string;
  /** How many TCP connections were accepted so far, to show that none was made. */
  readonly connectionCount: () => number;
  /** Answers `plain`. @returns its port */
  listenHttp(): Promise<number>;
  /** Answers what it saw of the request as JSON. @returns its port */
  listenHttps(subjectAltName: string, options?: { readonly expired: boolean }): Promise<number>;
  /** Accepts and says nothing. @returns its port */
  listenSilently(): Promise<number>;
  /** Asks once through a new client; gives the body, or the error's code and message as a caller would see them. */
  readonly ask: (origin: string, options?: Partial<ConnectorOptions>) => Promise<unknown>;
  close(): Promise<void>;
}

export function createLoopbackUpstreams(): LoopbackUpstreams {
  const authority = createTestAuthority();
  const servers = new Set<Server>();
  const sockets = new Set<Socket>();
  let accepted = 0;

  async function listen(server: Server): Promise<number> {
    servers.add(server);
    server.on("connection", (socket: Socket) => {
      accepted += 1;
      sockets.add(socket.on("error", () => undefined));
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    return (server.address() as AddressInfo).port;
  }

  return {
    ca: authority.ca,
    connectionCount: () => accepted,
    listenHttp: () => listen(createHttpServer((_request, response) => response.end("plain"))),
    listenHttps(subjectAltName, options) {
      // Prefers HTTP/2, as many servers do, so that a client which offers it would get it.
      const settings = { ...authority.issue(subjectAltName, options), ALPNProtocols: ["h2", "http/1.1"] };
      return listen(
        createHttpsServer(settings, (request, response) => {
          const socket = request.socket as Partial<TLSSocket> & { servername?: string | false };
          const { servername, alpnProtocol } = socket;
          response.end(JSON.stringify({ servername, alpnProtocol, url: request.url }));
        }),
      );
    },
    listenSilently: () => listen(createTcpServer()),
    async ask(origin, options = {}) {
      const client = new Client(origin, {
        connect: createConnector({
          allowPrivate: true,
          ca: authority.ca,
          rejectUnauthorized: true,
          connectTimeoutMs: 5_000,
          ...options,
        }),
      });
      try {
        const response = await client.request({ method: "GET", path: "/a%2Fb" });
        const text = await response.body.text();
        return text.startsWith("{") ? (JSON.parse(text) as unknown) : text;
      } catch (error) {
        const { code, message } = describeUpstreamError(error);
        return { code, message };
      } finally {
        await client.destroy();
      }
    },
    async close() {
      for (const socket of sockets) socket.destroy();
      for (const server of servers) await new Promise((resolve) => server.close(resolve));
      authority.close();
    },
  };
}

/** A resolver that gives these addresses for every name. */
export function answers(...addresses: readonly string[]): LookupAll {
  return (_hostname, _options, callback) => {
    const found = addresses.map((address): LookupAddress => ({
      address,
      family: address.includes(":") ? 6 : 4,
    }));
    process.nextTick(callback, null, found);
  };
}

/** A resolver that fails for every name. */
export function fails(code: string): LookupAll {
  return (_hostname, _options, callback) => {
    process.nextTick(callback, Object.assign(new Error("lookup failed"), { code }), []);
  };
}
