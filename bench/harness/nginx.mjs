/** nginx, once as the upstream of all and once as the practical limit of a proxy. */
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { freePort, isListening, until } from "./free-port.mjs";

/** A small answer of an API. */
const SMALL_JSON = JSON.stringify({
  object: "list",
  data: Array.from({ length: 8 }, (_, id) => ({ id, name: "a model", owner: "somebody" })),
  has_more: false,
});
/** More than any connection is asked in a run. */
const REQUESTS = 1_000_000_000;

/**
 * @typedef {{ pid: number, origin: string, tlsOrigin: string }} Upstream
 *
 * @param {import("./processes.mjs").Processes} processes
 * @param {string} directory
 * @param {import("./certificates.mjs").Certificates} certificates
 * @param {string} files What it serves at `/files/`.
 * @returns {Promise<Upstream>}
 */
export async function startUpstream(processes, directory, certificates, files) {
  const [port, tlsPort] = [await freePort(), await freePort()];
  const pid = await startNginx(processes, join(directory, "upstream"), port, [
    `listen 127.0.0.1:${String(port)} reuseport;`,
    `listen 127.0.0.1:${String(tlsPort)} ssl reuseport;`,
    `ssl_certificate ${certificates.cert};`,
    `ssl_certificate_key ${certificates.key};`,
    `location / { default_type application/json; return 200 '${SMALL_JSON}'; }`,
    `location /files/ { alias ${files}/; default_type application/octet-stream; }`,
  ]);
  return {
    pid,
    origin: `http://127.0.0.1:${String(port)}`,
    tlsOrigin: `https://127.0.0.1:${String(tlsPort)}`,
  };
}

/**
 * A reverse proxy that adds one header, with connections kept open on both sides, and no log.
 *
 * @param {import("./processes.mjs").Processes} processes
 * @param {string} directory
 * @param {{ routes: Readonly<Record<string, string>>, ca?: string, key: string }} options By the first part of the path:
 *   where its calls go.
 * @returns {Promise<{ pid: number, base: string }>}
 */
export async function startReverseProxy(processes, directory, { routes, ca, key }) {
  const port = await freePort();
  const upstreams = Object.entries(routes).map(
    ([name, origin]) => `upstream ${name} { server ${new URL(origin).host}; keepalive 1100; }`,
  );
  const locations = Object.entries(routes).map(
    ([name, origin]) =>
      `location /${name}/ { proxy_pass ${new URL(origin).protocol}//${name}/; proxy_ssl_name localhost; }`,
  );
  const pid = await startNginx(
    processes,
    join(directory, "nginx"),
    port,
    [
      `listen 127.0.0.1:${String(port)};`,
      `proxy_set_header Authorization "Bearer ${key}";`,
      "proxy_http_version 1.1;",
      'proxy_set_header Connection "";',
      ca === undefined ? "" : `proxy_ssl_verify on; proxy_ssl_trusted_certificate ${ca};`,
      // Bodies go on as they come, as the others do it, and never to a disk.
      "proxy_buffering off; proxy_request_buffering off; client_max_body_size 0;",
      ...locations,
    ],
    upstreams,
  );
  return { pid, base: `http://127.0.0.1:${String(port)}` };
}

/**
 * @param {import("./processes.mjs").Processes} processes
 * @param {string} directory
 * @param {number} port
 * @param {readonly string[]} server
 * @param {readonly string[]} [http]
 */
async function startNginx(processes, directory, port, server, http = []) {
  await mkdir(directory, { recursive: true });
  const temporary = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"].map(
    (name) => `${name}_temp_path ${join(directory, name)};`,
  );
  const file = join(directory, "nginx.conf");
  await writeFile(
    file,
    [
      // Root would give the workers another user, who may not enter the directory.
      process.getuid?.() === 0 ? "user root;" : "",
      "daemon off; worker_processes 1; worker_rlimit_nofile 8192;",
      `pid ${join(directory, "nginx.pid")};`,
      `error_log ${join(directory, "error.log")};`,
      "events { worker_connections 4096; }",
      `http { access_log off; sendfile on; tcp_nodelay on; keepalive_requests ${String(REQUESTS)};`,
      ...temporary,
      ...http,
      "server {",
      ...server,
      "} }",
    ].join("\n"),
  );
  const { pid } = await processes.start("nginx", ["-c", file, "-e", join(directory, "error.log")]);
  await until(() => isListening(port), "nginx");
  return pid;
}
