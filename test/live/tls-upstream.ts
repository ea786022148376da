import { execFile } from "node:child_process";
import { readFile } from "node:fs/promises";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { createServer as createTlsServer } from "node:https";
import type { AddressInfo, Socket } from "node:net";
import { join } from "node:path";
import { promisify } from "node:util";
import { temporaryDirectory } from "./processes.js";

const openssl = (...args: string[]): Promise<unknown> => promisify(execFile)("openssl", args);

/** A certificate authority of one test file and a server certificate of it for 127.0.0.1, ::1 and localhost. */
export interface Certificates {
  readonly ca: string;
  readonly cert: string;
  readonly key: string;
  readonly certPath: string;
  readonly keyPath: string;
  readonly caPath: string;
  remove(): Promise<void>;
}

export async function makeCertificates(names = "IP:127.0.0.1,IP:::1,DNS:localhost"): Promise<Certificates> {
  const directory = await temporaryDirectory();
  const path = (name: string): string => join(directory.path, name);
  const newKey = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"];
  await openssl(
    ...["req", "-x509", ...newKey, "-keyout", path("ca.key"), "-out", path("ca.pem")],
    ...["-subj", "/CN=vault-proxy test CA", "-days", "2"],
  );
  await openssl(
    ...["req", "-x509", ...newKey, "-keyout", path("server.key"), "-out", path("server.pem")],
    ...["-CA", path("ca.pem"), "-CAkey", path("ca.key"), "-subj", "/CN=upstream", "-days", "2"],
    ...["-addext", `subjectAltName=${names}`, "-addext", "basicConstraints=critical,CA:FALSE"],
  );
  const [ca, cert, key] = await Promise.all(
    ["ca.pem", "server.pem", "server.key"].map((name) => readFile(path(name), "utf8")),
  );
  if (ca === undefined || cert === undefined || key === undefined) throw new Error("openssl wrote nothing");
  return {
    ca,
    cert,
    key,
    certPath: path("server.pem"),
    keyPath: path("server.key"),
    caPath: path("ca.pem"),
    remove: directory.remove,
  };
}

/** A request as it reached the upstream. */
export interface ReceivedRequest {
  readonly method: string;
  /** The raw request target. */
  readonly target: string;
  /** Flat, in order and letter case. */
  readonly rawHeaders: readonly string[];
  readonly body: Buffer;
}

export interface Upstream {
  readonly origin: string;
  readonly requests: ReceivedRequest[];
  /** Connections open now. */
  readonly connections: () => number;
  close(): Promise<void>;
}

export type Answer = (
  request: IncomingMessage,
  response: ServerResponse,
  body: Buffer,
) => void | Promise<void>;

const answerOk: Answer = (_request, response) => {
  response.setHeader("Content-Type", "application/json").end('{"ok":true}');
};

/** An HTTPS API (plain HTTP without certificates) on a loopback port that records what it receives. */
export async function startUpstream(
  certificates: Certificates | undefined,
  answer: Answer = answerOk,
): Promise<Upstream> {
  const requests: ReceivedRequest[] = [];
  const onRequest = (request: IncomingMessage, response: ServerResponse): void => {
    const chunks: Buffer[] = [];
    request.on("data", (chunk: Buffer) => chunks.push(chunk));
    request.on("error", () => undefined);
    request.on("end", () => {
      const body = Buffer.concat(chunks);
      requests.push({
        method: request.method ?? "",
        target: request.url ?? "",
        rawHeaders: request.rawHeaders,
        body,
      });
      void answer(request, response, body);
    });
  };
  return listenAsUpstream(certificates, onRequest, requests);
}

/** As {@link startUpstream}, but the handler gets the request before its body; nothing is recorded. */
export function startStreamingUpstream(
  certificates: Certificates | undefined,
  onRequest: (request: IncomingMessage, response: ServerResponse) => void,
): Promise<Upstream> {
  return listenAsUpstream(certificates, onRequest, []);
}

async function listenAsUpstream(
  certificates: Certificates | undefined,
  onRequest: (request: IncomingMessage, response: ServerResponse) => void,
  requests: ReceivedRequest[],
): Promise<Upstream> {
  const options = { maxHeaderSize: 128 * 1024 };
  const server =
    certificates === undefined
      ? createServer(options, onRequest)
      : createTlsServer({ ...options, cert: certificates.cert, key: certificates.key }, onRequest);
  server.maxHeadersCount = 0;
  const sockets = new Set<Socket>();
  server.on("connection", (socket: Socket) => {
    sockets.add(socket);
    socket.once("close", () => sockets.delete(socket));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  return {
    origin: `${certificates === undefined ? "http" : "https"}://127.0.0.1:${port}`,
    requests,
    connections: () => sockets.size,
    async close() {
      const closed = new Promise((resolve) => server.close(resolve));
      server.closeAllConnections();
      await closed;
    },
  };
}

/** The values of a header in a flat list, by letter-case-insensitive name. */
export function headerValues(rawHeaders: readonly string[], name: string): string[] {
  return rawHeaders.filter(
    (_value, index) => index % 2 === 1 && rawHeaders[index - 1]?.toLowerCase() === name.toLowerCase(),
  );
}
