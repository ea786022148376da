import { once } from "node:events";
import { createServer, type AddressInfo, type Socket } from "node:net";
import ssh2, { type AuthContext, type Connection } from "ssh2";
import { Secret } from "../../redaction/secret.js";
import { makeKeyPair } from "./key-pair.js";
import {
  connectSsh,
  type SshConnection,
  type SshConnectionOptions,
  type SshTarget,
} from "../ssh-connection.js";

export const PASSWORD = "the stored password";
const never = new AbortController().signal;

export function targetOf(port: number, more: Partial<SshTarget> = {}): SshTarget {
  return {
    host: "127.0.0.1",
    port,
    user: "deploy",
    password: new Secret(PASSWORD),
    privateKey: undefined,
    hostKey: undefined,
    legacyAlgorithms: [],
    allowPrivate: true,
    ...more,
  };
}

export const connect = (
  target: SshTarget,
  options: Partial<SshConnectionOptions> = {},
): Promise<SshConnection> =>
  connectSsh(target, { signal: never, rememberHostKey: () => Promise.resolve(), ...options });

export interface ScriptedServer {
  readonly port: number;
  readonly hostKey: string;
  /** Every attempt to log in, by its method. */
  readonly attempts: string[];
  readonly sockets: Set<Socket>;
  close(): Promise<void>;
}

/** A server of ssh2 that does what a test says. */
export async function startScriptedServer(
  onAttempt: (context: AuthContext) => void,
  onClient: (client: Connection, socket: Socket) => void = () => undefined,
): Promise<ScriptedServer> {
  const keys = makeKeyPair();
  const attempts: string[] = [];
  const sockets = new Set<Socket>();
  let latest: Socket | undefined;
  const server = new ssh2.Server({ hostKeys: [keys.private] }, (client) => {
    client.on("error", () => undefined);
    client.on("authentication", (context) => {
      attempts.push(context.method);
      onAttempt(context);
    });
    if (latest !== undefined) onClient(client, latest);
  });
  const listener = createServer((socket) => {
    sockets.add(socket);
    latest = socket;
    socket.on("close", () => sockets.delete(socket)).on("error", () => undefined);
    server.injectSocket(socket);
  });
  listener.listen(0, "127.0.0.1");
  await once(listener, "listening");
  const hostKey = keys.public.trim().split(" ").slice(0, 2).join(" ");
  return {
    port: (listener.address() as AddressInfo).port,
    hostKey,
    attempts,
    sockets,
    async close() {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => listener.close(resolve));
    },
  };
}

export const takesPassword = (context: AuthContext): void => {
  if (context.method === "password" && context.password === PASSWORD) context.accept();
  else context.reject(["password"]);
};
