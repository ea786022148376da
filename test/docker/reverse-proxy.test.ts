import { once } from "node:events";
import { writeFile } from "node:fs/promises";
import { createServer, type IncomingMessage, type Server } from "node:http";
import { request } from "node:https";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { WebSocket, WebSocketServer } from "ws";
import { startServer, temporaryDirectory, type RunningServer } from "../live/processes.js";
import { makeCertificates, type Certificates } from "../live/tls-upstream.js";
import { addService, makeToken, unlock } from "../live/vault-calls.js";
import { areListening, freePorts } from "../real-servers/loopback-ports.js";
import { startServerProcess, type ServerProcess } from "../real-servers/server-process.js";
import { textOf } from "./deployment-files.js";

const NAME = "vault.example.com";

describe("nginx as docs/deploy.md configures it", () => {
  const stops: (() => Promise<unknown>)[] = [];
  let certificates: Certificates;
  let port = 0;
  let token = "";
  let upstream: Server;
  let finishStream = (): void => undefined;

  beforeAll(async () => {
    certificates = await makeCertificates(`DNS:${NAME}`);
    stops.push(() => certificates.remove());
    upstream = createServer((req, res) => {
      if (req.url !== "/stream")
        return void res.end(`${req.headers.authorization ?? "none"} ${req.url ?? ""}`);
      res.writeHead(200, { "content-type": "text/event-stream" });
      res.write("data: first\n\n");
      finishStream = () => void res.end("data: last\n\n");
    });
    const sockets = new WebSocketServer({ server: upstream });
    sockets.on("connection", (socket) => socket.on("message", (data) => socket.send(data)));
    await once(upstream.listen(0, "127.0.0.1"), "listening");
    stops.push(() => new Promise((resolve) => upstream.close(resolve)));

    const data = await temporaryDirectory();
    stops.push(data.remove);
    const vault: RunningServer = await startServer({ dataDir: data.path, flags: ["--allowed-hosts", NAME] });
    stops.push(() => vault.stop());
    const admin = await unlock(vault);
    await addService(vault, admin, {
      name: "api",
      base_url: `http://127.0.0.1:${(upstream.address() as AddressInfo).port}`,
      auth: { type: "bearer", token: "the-upstreams-secret" },
      scrub: "off",
      allow_private: true,
    });
    token = await makeToken(vault, admin);
    const nginx = await startNginx(new URL(vault.address).port);
    stops.push(() => nginx.stop());
  });

  afterAll(async () => {
    for (const stop of stops.reverse()) await stop();
  });

  async function startNginx(vaultPort: string): Promise<ServerProcess> {
    const directory = await temporaryDirectory();
    stops.push(directory.remove);
    const path = (name: string): string => join(directory.path, name);
    [port = 0] = await freePorts(1);
    await writeFile(path("cert.pem"), certificates.cert);
    await writeFile(path("key.pem"), certificates.key);
    const documented = /```nginx\n([^]*?)```/.exec(textOf("docs/deploy.md"))?.[1] ?? "";
    const server = documented
      .replace("listen 443", `listen 127.0.0.1:${port}`)
      .replace("127.0.0.1:8390", `127.0.0.1:${vaultPort}`)
      .replaceAll("/etc/vault-proxy/", `${directory.path}/`);
    const temporary = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"].map(
      (kind) => `${kind}_temp_path ${path(kind)};`,
    );
    await writeFile(
      path("nginx.conf"),
      `daemon off; master_process off; pid ${path("nginx.pid")}; error_log ${path("error.log")} crit;
       events {} http { ${temporary.join(" ")} ${server} }`,
    );
    return startServerProcess({
      // Debian keeps it out of the path of ordinary users.
      command: "env",
      args: ["PATH=/usr/sbin:/usr/bin:/bin", "nginx", "-c", path("nginx.conf")],
      cwd: directory.path,
      isReady: () => areListening([port]),
    });
  }

  async function get(path: string): Promise<IncomingMessage> {
    const call = request({
      ...{ host: "127.0.0.1", port, path, servername: NAME, ca: certificates.ca, agent: false },
      headers: { host: NAME, authorization: `Bearer ${token}` },
    });
    call.end();
    const [response] = (await once(call, "response")) as [IncomingMessage];
    return response;
  }

  test("passes on the name that the vault allows, and the path as it came", async () => {
    const response = await get("/proxy/api/a%2Fb//c?d=%20e");
    const body = (await response.toArray()).join("");
    expect([response.statusCode, body]).toEqual([200, "Bearer the-upstreams-secret /a%2Fb//c?d=%20e"]);
  });

  test("lets each event of a stream through when it comes", async () => {
    const response = await get("/proxy/api/stream");
    const [first] = (await once(response, "data")) as [Buffer];
    expect(first.toString()).toBe("data: first\n\n");
    finishStream();
    expect((await response.toArray()).join("")).toBe("data: last\n\n");
  });

  test("lets WebSockets through", async () => {
    // What ws hands on to the connection, beside what its own types name.
    const tls = { servername: NAME, ca: certificates.ca };
    const socket = new WebSocket(`wss://127.0.0.1:${port}/proxy/api/socket`, {
      ...tls,
      headers: { host: NAME, authorization: `Bearer ${token}` },
    });
    await once(socket, "open");
    socket.send("hello");
    const [data] = (await once(socket, "message")) as [Buffer];
    expect(data.toString()).toBe("hello");
    const closed = once(socket, "close");
    socket.close();
    await closed;
  });
});
