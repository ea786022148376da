import { spawn } from "node:child_process";
import { once } from "node:events";
import { writeFile } from "node:fs/promises";
import { connect, createServer, type AddressInfo } from "node:net";
import { join } from "node:path";
import { cleanEnvironment, startServer, temporaryDirectory } from "../live/processes.js";
import { addService, makeToken, unlock } from "../live/vault-calls.js";
import { startScriptedUpstream, type ScriptedUpstream } from "./scripted-upstream.js";

export type IntermediaryName = "vault" | "nginx" | "haproxy";

/** A server that passes requests on to a scripted upstream of its own. */
export interface Intermediary {
  readonly name: IntermediaryName;
  readonly port: number;
  readonly upstream: ScriptedUpstream;
  /** What `Authorization: Bearer` is to carry; the controls do not look at it. */
  readonly token: string;
  stop(): Promise<void>;
}

/** Nothing waits longer than this for a silent side, where the intermediary lets that be set. */
const PATIENCE = "3s";

export async function startVault(settings: object = {}): Promise<Intermediary> {
  const upstream = await startScriptedUpstream();
  const directory = await temporaryDirectory();
  const server = await startServer({ dataDir: directory.path });
  const admin = await unlock(server);
  await addService(server, admin, {
    name: "raw",
    base_url: `http://127.0.0.1:${upstream.port}`,
    auth: { type: "bearer", token: "the-upstreams-secret" },
    allow_private: true,
    response_timeout: PATIENCE,
    idle_timeout: PATIENCE,
    ...settings,
  });
  return {
    name: "vault",
    port: Number(new URL(server.address).port),
    upstream,
    token: await makeToken(server, admin),
    async stop() {
      await server.stop();
      await upstream.close();
      await directory.remove();
    },
  };
}

/** nginx as a streaming reverse proxy: nothing buffered, HTTP/1.1 and kept connections to the upstream. */
export function startNginx(): Promise<Intermediary> {
  return startControl("nginx", ["-c"], (port, upstreamPort, directory) => {
    const temporary = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"].map(
      (kind) => `${kind}_temp_path ${join(directory, kind)};`,
    );
    return `daemon off;
      master_process off;
      pid ${join(directory, "nginx.pid")};
      error_log ${join(directory, "error.log")} crit;
      events { worker_connections 1024; }
      http {
        access_log off;
        ${temporary.join("\n")}
        client_max_body_size 0;
        client_header_timeout ${PATIENCE};
        client_body_timeout ${PATIENCE};
        upstream raw { server 127.0.0.1:${upstreamPort} max_fails=0; keepalive 16; }
        server {
          listen 127.0.0.1:${port};
          location / {
            proxy_pass http://raw;
            proxy_http_version 1.1;
            proxy_set_header Connection "";
            proxy_buffering off;
            proxy_request_buffering off;
            proxy_read_timeout ${PATIENCE};
          }
        }
      }
`;
  });
}

/** haproxy in HTTP mode with its own defaults. */
export function startHaproxy(): Promise<Intermediary> {
  return startControl(
    "haproxy",
    ["-db", "-f"],
    (port, upstreamPort) => `global
  maxconn 2000
  nbthread 1
defaults
  mode http
  timeout connect ${PATIENCE}
  timeout client ${PATIENCE}
  timeout server ${PATIENCE}
  timeout http-request ${PATIENCE}
frontend caller
  bind 127.0.0.1:${port}
  default_backend raw
backend raw
  server upstream 127.0.0.1:${upstreamPort}
`,
  );
}

async function startControl(
  name: "nginx" | "haproxy",
  flags: readonly string[],
  configure: (port: number, upstreamPort: number, directory: string) => string,
): Promise<Intermediary> {
  const upstream = await startScriptedUpstream();
  const directory = await temporaryDirectory();
  const port = await freePort();
  const path = join(directory.path, `${name}.conf`);
  await writeFile(path, configure(port, upstream.port, directory.path));
  const { PATH = "", ...environment } = cleanEnvironment();
  // Debian keeps both out of the path of ordinary users.
  const env = { ...environment, PATH: `${PATH}:/usr/sbin:/sbin` };
  const child = spawn(name, [...flags, path], { env, stdio: ["ignore", "pipe", "pipe"] });
  let output = "";
  child.stdout.on("data", (chunk: Buffer) => (output += chunk.toString()));
  child.stderr.on("data", (chunk: Buffer) => (output += chunk.toString()));
  const state = { hasEnded: false };
  const ended = once(child, "close").then(
    () => (state.hasEnded = true),
    (error: unknown) => {
      state.hasEnded = true;
      output += String(error);
    },
  );
  const deadline = Date.now() + 10_000;
  while (!(await accepts(port))) {
    if (state.hasEnded || Date.now() > deadline) {
      child.kill("SIGKILL");
      throw new Error(`${name} did not start:\n${output}`);
    }
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  return {
    name,
    port,
    upstream,
    token: "not-looked-at",
    async stop() {
      child.kill("SIGTERM");
      await ended;
      await upstream.close();
      await directory.remove();
    },
  };
}

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}

function accepts(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, "127.0.0.1");
    socket.on("connect", () => resolve(true)).on("error", () => resolve(false));
    socket.on("connect", () => socket.destroy());
  });
}
