import { readFileSync } from "node:fs";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import { connect, createServer as createTcpServer, type AddressInfo, type Socket } from "node:net";

const SCRIPT = readFileSync(new URL("./hostile-page.mjs", import.meta.url), "utf8");
const PAGE =
  '<!doctype html><title>evil</title><body><script type="module" src="/hostile-page.mjs"></script>';

/** The web server of an attacker: pages that attack, redirects to anywhere, and a log of what reaches it. */
export interface HostileSite {
  readonly port: number;
  /** Request targets, but for those of its own pages and scripts. */
  readonly requests: string[];
  close(): Promise<void>;
}

/**
 * `/` attacks from its own origin; `/sandboxed` from an opaque one, in a frame.
 *
 * @param host the loopback address to listen on
 */
export async function startHostileSite(host: string): Promise<HostileSite> {
  const requests: string[] = [];
  const server = createServer((request, response) => {
    const url = new URL(request.url ?? "/", "http://hostile.test");
    // The next connection may lead elsewhere, as with DNS that changes.
    response.setHeader("Connection", "close");
    response.setHeader("Access-Control-Allow-Origin", "*");
    if (url.pathname === "/") response.setHeader("Content-Type", "text/html").end(PAGE);
    else if (url.pathname === "/sandboxed") {
      const frame =
        '<iframe name="opaque" src="/" sandbox="allow-scripts allow-forms allow-popups"></iframe>';
      response.setHeader("Content-Type", "text/html").end(`<!doctype html>${frame}`);
    } else if (url.pathname === "/hostile-page.mjs") {
      response.setHeader("Content-Type", "text/javascript").end(SCRIPT);
    } else if (url.pathname === "/redirect") {
      const status = Number(url.searchParams.get("status"));
      response.writeHead(status, { Location: url.searchParams.get("to") ?? "" }).end();
    } else if (url.pathname === "/rules") {
      requests.push(`${request.url ?? ""} ${request.headers.referer ?? ""}`);
      const rule = { source: "list", urls: url.searchParams.getAll("url"), eagerness: "immediate" };
      response.setHeader("Content-Type", "application/speculationrules+json");
      response.end(JSON.stringify({ prefetch: [rule], prerender: [rule] }));
    } else {
      if (url.pathname !== "/favicon.ico")
        requests.push(`${request.url ?? ""} ${request.headers.referer ?? ""}`);
      response.writeHead(204).end();
    }
  });
  await listen(server, host);
  return { port: portOf(server), requests, close: () => closeAll(server) };
}

/** A server that answers everybody, as one without a guard would: shows that an attack arrives. */
export interface NaiveServer {
  readonly origin: string;
  /** The names of the attacks that arrived, those of requests that change things at least. */
  readonly attacks: ReadonlySet<string>;
  close(): Promise<void>;
}

export async function startNaiveServer(): Promise<NaiveServer> {
  const attacks = new Set<string>();
  const note = (request: IncomingMessage): void => {
    const name = new URL(request.url ?? "/", "http://naive.test").searchParams.get("attack");
    // A preflight is the browser's question, not yet the attack.
    if (name !== null && request.method !== "OPTIONS") attacks.add(name);
  };
  const server = createServer((request: IncomingMessage, response: ServerResponse) => {
    note(request);
    response.setHeader("Access-Control-Allow-Origin", request.headers.origin ?? "*");
    response.setHeader("Access-Control-Allow-Credentials", "true");
    response.setHeader("Access-Control-Allow-Methods", "GET, HEAD, POST, PUT, PATCH, DELETE");
    response.setHeader("Access-Control-Allow-Headers", "authorization, content-type, x-vault-token");
    response.setHeader("Content-Type", "text/plain").end("read");
  });
  server.on("upgrade", (request, socket) => {
    note(request);
    socket.destroy();
  });
  await listen(server, "127.0.0.1");
  return { origin: `http://127.0.0.1:${portOf(server)}`, attacks, close: () => closeAll(server) };
}

/** A name's address as DNS rebinding makes it: it leads to the attacker first, and to the vault then. */
export interface ReboundAddress {
  readonly port: number;
  leadTo(port: number, host?: string): void;
  close(): Promise<void>;
}

export async function startReboundAddress(host: string): Promise<ReboundAddress> {
  let target: { port: number; host: string } | undefined;
  const open = new Set<Socket>();
  const server = createTcpServer((socket) => {
    if (target === undefined) {
      socket.destroy();
      return;
    }
    const onward = connect(target);
    for (const end of [socket, onward]) {
      open.add(end.on("error", () => undefined));
      end.on("close", () => {
        open.delete(end);
        socket.destroy();
        onward.destroy();
      });
    }
    socket.pipe(onward).pipe(socket);
  });
  const cut = (): void => {
    for (const socket of open) socket.destroy();
  };
  await new Promise<void>((resolve) => server.listen(0, host, resolve));
  return {
    port: (server.address() as AddressInfo).port,
    leadTo(port, to = "127.0.0.1") {
      cut();
      target = { port, host: to };
    },
    async close() {
      cut();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

async function listen(server: Server, host: string): Promise<void> {
  await new Promise<void>((resolve) => server.listen(0, host, resolve));
}

function portOf(server: Server): number {
  return (server.address() as AddressInfo).port;
}

async function closeAll(server: Server): Promise<void> {
  const closed = new Promise((resolve) => server.close(resolve));
  server.closeAllConnections();
  await closed;
}
