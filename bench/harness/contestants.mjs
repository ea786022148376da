/** Who does the same work side by side: nginx, the vault, what a user of Node would pick, and peers that are named. */
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { freePort, isListening, until } from "./free-port.mjs";
import { startReverseProxy } from "./nginx.mjs";
import { expand } from "./peer.mjs";
import { serviceAt, startVault } from "./vault-server.mjs";

/** What everyone puts into a call. */
const KEY = "key-of-the-bench-0123456789abcdef";

const NODE_PROXIES = {
  "Hono proxy()": "hono-proxy.mjs",
  "http-proxy": "http-proxy.mjs",
  "@fastify/http-proxy": "fastify-http-proxy.mjs",
};

/**
 * @typedef {object} Contestant
 * @property {string} name
 * @property {number | undefined} pid Undefined for the upstream itself, which does no proxy's work.
 * @property {(kind: "plain" | "tls", path: string, row: string) => string | undefined} urlOf Undefined where it does not
 *   take part.
 * @property {Readonly<Record<string, string>>} headers
 * @property {() => Promise<void>} [watch]
 * @property {() => Promise<import("./vault-server.mjs").Watched>} [watched]
 *
 * @param {import("./processes.mjs").Processes} processes
 * @param {object} parts
 * @param {string} parts.directory
 * @param {import("./nginx.mjs").Upstream} parts.upstream
 * @param {import("./certificates.mjs").Certificates} parts.certificates
 * @param {readonly import("./peer.mjs").Peer[]} parts.peers
 * @returns {Promise<Contestant[]>} The first is the upstream itself, then nginx, then the vault.
 */
export async function startContestants(processes, { directory, upstream, certificates, peers }) {
  const routes = { plain: upstream.origin, tls: upstream.tlsOrigin };
  const trust = { NODE_EXTRA_CA_CERTS: certificates.ca };
  const nginx = await startReverseProxy(processes, directory, { routes, ca: certificates.ca, key: KEY });
  const vault = await startVault(processes, join(directory, "vault"), { env: trust });
  for (const [name, origin] of Object.entries(routes)) {
    await vault.call("POST", "/services", serviceAt(name, origin, { type: "bearer", token: KEY }));
  }
  const token = await vault.makeToken();

  /** @type {Contestant[]} */
  const contestants = [
    { name: "direct", pid: undefined, urlOf: (kind, path) => routes[kind] + path, headers: {} },
    { name: "nginx", pid: nginx.pid, urlOf: under(nginx.base), headers: {} },
    {
      name: "vault-server",
      pid: vault.pid,
      urlOf: under(`${vault.address}/proxy`),
      headers: { Authorization: `Bearer ${token}` },
      watch: vault.watch,
      watched: vault.watched,
    },
  ];
  for (const [name, file] of Object.entries(NODE_PROXIES)) {
    const program = fileURLToPath(new URL(`../programs/${file}`, import.meta.url));
    const env = { ...trust, PLAIN: routes.plain, TLS: routes.tls, KEY };
    const proxy = await processes.startNode([program], { env, ready: /listening on (\S+)/ });
    contestants.push({
      name,
      pid: proxy.pid,
      urlOf: under(proxy.said),
      headers: {},
      watch: async () => void (await proxy.ask({ probe: "watch" })),
      watched: async () =>
        /** @type {import("./vault-server.mjs").Watched} */ (await proxy.ask({ probe: "watched" })),
    });
  }
  for (const peer of peers) contestants.push(await startPeer(processes, peer, { routes, certificates }));
  return contestants;
}

/**
 * @param {string} base
 * @returns {Contestant["urlOf"]}
 */
function under(base) {
  return (kind, path) => `${base}/${kind}${path}`;
}

/**
 * @param {import("./processes.mjs").Processes} processes
 * @param {import("./peer.mjs").Peer} peer
 * @param {object} parts
 * @param {{ plain: string, tls: string }} parts.routes
 * @param {import("./certificates.mjs").Certificates} parts.certificates
 * @returns {Promise<Contestant>}
 */
export async function startPeer(processes, peer, { routes, certificates }) {
  const variables = {
    PORT: String(await freePort()),
    PLAIN: routes.plain,
    TLS: routes.tls,
    NODE_EXTRA_CA_CERTS: certificates.ca,
    KEY,
  };
  const { pid } = await processes.start("sh", ["-c", peer.command], { env: variables });
  const { port, protocol } = new URL(expand(peer.url, { ...variables, KIND: "plain", ROW: "row" }));
  const listensAt = Number(port === "" ? { "http:": 80, "https:": 443 }[protocol] : port);
  await until(() => isListening(listensAt), `${peer.name} (${peer.command})`);
  return {
    name: peer.name,
    pid,
    urlOf: (kind, _path, row) =>
      // A URL that is always the same leads over one of the upstreams only.
      kind === "plain" || /\$\{?(KIND|ROW)\b/.test(peer.url)
        ? expand(peer.url, { ...variables, KIND: kind, ROW: row })
        : undefined,
    headers: peer.header === undefined ? {} : { [peer.header[0]]: expand(peer.header[1], variables) },
  };
}
