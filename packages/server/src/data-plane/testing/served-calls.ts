import { createServer as createHttpServer, type IncomingMessage, type ServerResponse } from "node:http";
import { connect, createServer, type AddressInfo, type Server, type Socket } from "node:net";
import { NO_TOKEN, type ServiceRecord } from "../../auth-strategies/service-definition.js";
import { Secret } from "../../redaction/secret.js";
import { createCookieJars } from "../cookie-jars.js";
import { createServiceRoutes, type ServiceRoute } from "../service-routes.js";

export interface ServedCalls {
  readonly port: number;
  close(): Promise<void>;
}

export interface ServedCallsOptions {
  /** The credential of the service. */
  readonly secret: string;
  /** The service's upstream, which does what it likes with a connection. */
  readonly onUpstreamConnection: (socket: Socket) => void;
  /** Every call, with the route of the service. */
  readonly serve: (request: IncomingMessage, response: ServerResponse, route: ServiceRoute) => void;
}

/** A listener before a service's upstream, without the stages of the pipeline. */
export async function serveCalls(options: ServedCallsOptions): Promise<ServedCalls> {
  const sockets = new Set<Socket>();
  const upstream = createServer((socket) => {
    sockets.add(socket);
    socket.on("error", () => undefined);
    options.onUpstreamConnection(socket);
  });
  const record: ServiceRecord = {
    name: "api",
    base_url: `http://127.0.0.1:${await listen(upstream)}`,
    auth: { type: "bearer", token: new Secret(options.secret) },
    tls_skip_verify: false,
    session_cookies: false,
    allow_private: true,
    forward_cookies: false,
  };
  const routes = createServiceRoutes({
    records: () => new Map([["api", record]]),
    egressProxy: undefined,
    tokenOf: () => NO_TOKEN,
    cookieJars: createCookieJars(Date.now),
  });
  const vault = createHttpServer((request, response) => {
    const route = routes.get("api");
    if (route === undefined) throw new Error("no such service");
    options.serve(request, response, route);
  });
  const port = await listen(vault);
  return {
    port,
    async close() {
      routes.destroyAll(new Error("the test is over"));
      for (const socket of sockets) socket.destroy();
      vault.closeAllConnections();
      await Promise.all([upstream, vault].map((server) => new Promise((resolve) => server.close(resolve))));
    },
  };
}

async function listen(server: Server): Promise<number> {
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return (server.address() as AddressInfo).port;
}

/** Sends a call, and gives all that the caller receives until the connection ends, or until it matches. */
export function receive(port: number, until?: RegExp): Promise<string> {
  return new Promise((resolve) => {
    let text = "";
    const socket = connect(port, "127.0.0.1");
    socket.on("data", (chunk) => {
      text += chunk.toString("latin1");
      if (until?.test(text) === true) socket.destroy();
    });
    socket.on("error", () => undefined).on("close", () => resolve(text));
    socket.write("GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
  });
}
