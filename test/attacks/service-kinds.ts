import type { RunningServer } from "../live/processes.js";
import { call } from "../live/vault-calls.js";
import { WORLD_PORTS } from "./isolated-network.js";

/** A kind of service, as far as it matters where it connects to: a new kind is a new row of {@link SERVICE_KINDS}. */
export interface ServiceKind {
  readonly kind: string;
  /** Another way to use services of an earlier row, whose definitions are the same and not tried again. */
  readonly definedAs?: string;
  /** The port of an upstream when none is given. */
  readonly port: number;
  /** Whether private networks (not loopback) are reached without any setting. */
  readonly reachesPrivateNetworks: boolean;
  readonly usesEgressProxy: boolean;
  /** Settings with which private and loopback addresses are allowed, by name. */
  readonly allowing: Readonly<Record<string, object>>;
  /** The body of `POST /services` for an upstream that is spelled as `host`, port included if it is to have one. */
  define(name: string, host: string, ca: string): Record<string, unknown>;
  /** Uses the service as a caller would, and tells what came of it. */
  use(server: RunningServer, token: string, name: string): Promise<Use>;
}

/** `reached` with any answer of the upstream; else the vault's status and error code, such as `403 destination_blocked`. */
export type Use = "reached" | `${number} ${string}`;

const SECRET = "k3y-0123456789abcdefABCDEF";

const HTTP = {
  port: WORLD_PORTS.https,
  reachesPrivateNetworks: false,
  usesEgressProxy: true,
  allowing: { allow_private: { allow_private: true }, tls_skip_verify: { tls_skip_verify: true } },
  define: (name: string, host: string, ca: string) => ({
    name,
    base_url: `https://${host}`,
    tls_ca: ca,
    connect_timeout: "5s",
    auth: { type: "bearer", token: SECRET },
  }),
};

export const SERVICE_KINDS: readonly ServiceKind[] = [
  { kind: "http", ...HTTP, use: (server, token, name) => callProxy(server, token, name, []) },
  {
    kind: "http, by WebSocket",
    definedAs: "http",
    ...HTTP,
    use: (server, token, name) => callProxy(server, token, name, WEBSOCKET_HANDSHAKE),
  },
];

/** RFC 6455 §1.2; the world answers 426, so that nothing is left open. */
const WEBSOCKET_HANDSHAKE = [
  ...["Connection", "Upgrade", "Upgrade", "websocket"],
  ...["Sec-WebSocket-Version", "13", "Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ=="],
];

async function callProxy(
  server: RunningServer,
  token: string,
  name: string,
  headers: readonly string[],
): Promise<Use> {
  const answer = await call(server.address, "GET", `/proxy/${name}/`, { token, headers });
  const code = answer.headers["x-vault-error"];
  return code === undefined ? "reached" : `${answer.status} ${String(code)}`;
}
