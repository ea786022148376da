import { fork, type ChildProcess } from "node:child_process";
import { randomBytes } from "node:crypto";
import type { Server as HttpServer } from "node:http";
import { createServer as createNetServer, type Server, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { performance } from "node:perf_hooks";
import { fileURLToPath } from "node:url";
import type { ServerConfig } from "./config/server-config.js";
import type { VaultProxyError } from "./errors/vault-proxy-error.js";
import type { EventMetrics } from "./metrics/event-metrics.js";
import type { Logger } from "./redaction/logger.js";
import { every, runLater } from "./timers.js";
import type { TokenRecord } from "./tokens/token-record.js";
import type { TokenRegistry } from "./tokens/token-registry.js";
import type { Vault } from "./vault/vault.js";
import { toErrorMessage } from "./workers/error-message.js";
import { createFence, type ControlFetch } from "./workers/control-fence.js";
import { WORKER_LIMITS } from "./workers/limits.js";
import { MIRRORED, type OwnerMessage } from "./workers/messages.js";
import { createRelayDoor } from "./workers/relay-door.js";
import { RELAY_KEY_BYTES } from "./workers/relay-preamble.js";
import { listenForWorkers, type RelaySocket } from "./workers/relay-socket.js";
import { createVaultMirror } from "./workers/vault-mirror.js";
import { createWorkerPool } from "./workers/worker-pool.js";
import type { WorkerProcess } from "./workers/worker-process.js";
import {
  createWorkerRequests,
  type WorkerRequests,
  type WorkerRequestsParts,
} from "./workers/worker-requests.js";

/** As built: beside the program that this is a part of. */
const WORKER_PROGRAM = fileURLToPath(new URL("./worker.js", import.meta.url));

export interface ServerWorkersParts extends Omit<
  WorkerRequestsParts,
  "serviceOf" | "onGuess" | "isLocked" | "tokenRecords" | "tokens"
> {
  readonly config: ServerConfig;
  readonly vault: Vault;
  readonly tokens: Pick<TokenRegistry, "strike" | "strikeOnce" | "noteUse" | "hasUnsaved" | "list">;
  readonly eventMetrics: Pick<EventMetrics, "refusedAtTheDoor" | "connected">;
  readonly maxConnections: number;
  /** From which all processes make the same identities of secrets. */
  readonly scanSeed: Buffer;
  /** The owner's own, which does not listen. */
  readonly listener: HttpServer;
  /** A guess at a secret was seen in answers of this service by a worker. */
  readonly onGuess: (service: string) => void;
  readonly log: Logger;
}

/** The workers of a server. This process owns the vault and all that they share. */
export interface ServerWorkers {
  /** What listens for callers: hands each connection to a worker. */
  readonly door: Server;
  /** Connections of callers. */
  readonly size: number;
  /** That run in them. */
  readonly calls: number;
  start(): Promise<void>;
  /** The same, with the workers: it sees what they did before it came, and what it changes holds in them when it is answered. */
  fenced(fetch: ControlFetch): ControlFetch;
  /** Ends the calls of a token. */
  end(token: TokenRecord, reason: VaultProxyError): void;
  suspended(tokens: readonly TokenRecord[]): void;
  /** Lets what runs end, and ends the processes. */
  stop(): Promise<void>;
}

export function createServerWorkers(parts: ServerWorkersParts): ServerWorkers {
  const { config, vault, log, listener, tokens } = parts;
  const key = randomBytes(RELAY_KEY_BYTES);
  const requests = new Map<WorkerProcess, WorkerRequests>();
  const mirror = createVaultMirror({
    services: vault.collection("services"),
    tokens: vault.collection("tokens"),
    policies: vault.collection("policies"),
  });
  const relayDoor = createRelayDoor({
    key,
    log,
    serve: (connection) => listener.emit("connection", connection),
  });
  let relaySocket: RelaySocket | undefined;
  let stopping: Promise<void> | undefined;
  let hadUnsaved = false;

  /** In pieces, each with a sign of life. */
  const tellAll = (worker: WorkerProcess, messages: readonly OwnerMessage[]): void => {
    for (const message of messages) {
      worker.send(message);
      void worker.ping(WORKER_LIMITS.idleSilence);
    }
  };
  /** What no record says, and that the records are complete. */
  const unlocking = (): OwnerMessage[] => {
    const suspended = tokens.list().filter(({ suspended_at }) => suspended_at !== undefined);
    return [
      { type: "suspended", digests: suspended.map(({ digest }) => digest) },
      { type: "unsavedTokens", exist: tokens.hasUnsaved },
      { type: "unlocked" },
    ];
  };
  const briefing = (): OwnerMessage[] =>
    vault.status === "locked" ? [] : [...mirror.whole(), ...unlocking()];
  const requestsOf = (worker: WorkerProcess): WorkerRequests => {
    const known =
      requests.get(worker) ??
      createWorkerRequests(
        {
          ...parts,
          isLocked: () => vault.status === "locked",
          tokenRecords: () => vault.collection<TokenRecord>("tokens").records,
          serviceOf: (name, version) => mirror.serviceOf(name, version),
          onGuess(service) {
            parts.onGuess(service);
            for (const each of requests.keys()) if (each !== worker) each.send({ type: "guess", service });
          },
        },
        (message) => worker.send(message),
      );
    requests.set(worker, known);
    return known;
  };

  const pool = createWorkerPool({
    count: config.workers,
    spawn: spawnWorker,
    settings: () => ({
      ...{ tls: config.tls, allowedHosts: config.allowedHosts },
      ...{ logFormat: config.logFormat, logLevel: config.logLevel },
      egressProxy: config.egressProxy?.href,
      isUnixSocket: config.listen.kind === "unix",
      maxConnections: Math.ceil(parts.maxConnections / config.workers),
      relay: { path: relaySocket?.path ?? "", key: key.toString("hex") },
      scanSeed: parts.scanSeed.toString("hex"),
    }),
    brief: (worker) => tellAll(worker, briefing()),
    onMessage: (worker, message) => requestsOf(worker).hear(message),
    onGone(worker) {
      requests.get(worker)?.end();
      requests.delete(worker);
    },
    maxWaiting: parts.maxConnections,
    ...{ log, every, after: runLater },
    now: () => performance.now(),
  });
  const fence = createFence({ caughtUp: () => pool.caughtUp() });
  const tell = (message: OwnerMessage): void => {
    fence.told();
    pool.broadcast(message);
  };

  const door = createNetServer(
    { pauseOnConnect: true, noDelay: true, allowHalfOpen: true },
    (socket: Socket) => {
      parts.eventMetrics.connected();
      // A caller that leaves before anybody serves it.
      socket.on("error", () => socket.destroy());
      pool.deal(socket);
    },
  );

  vault.subscribe((event) => {
    if (event.type === "locked") {
      mirror.clear();
      for (const each of requests.values()) each.clear();
      hadUnsaved = false;
      tell({ type: "locked" });
      return;
    }
    const touched =
      event.type === "unlocked" ? MIRRORED : MIRRORED.filter((name) => event.collections.has(name));
    for (const name of touched) mirror.changes(name).forEach(tell);
    if (event.type === "unlocked") unlocking().forEach(tell);
  });

  return {
    door,
    get size() {
      return pool.connections;
    },
    get calls() {
      return pool.calls;
    },
    async start() {
      // Node looks for slow connections from then on; this server gets its own from elsewhere.
      listener.emit("listening");
      relaySocket = await listenForWorkers(relayDoor, { dataDir: config.dataDir, temporaryDir: tmpdir() });
      await pool.start();
    },
    fenced(fetch) {
      return fence.around(async (request, bindings) => {
        try {
          return await fetch(request, bindings);
        } finally {
          const exist = tokens.hasUnsaved;
          if (exist !== hadUnsaved) tell({ type: "unsavedTokens", exist });
          hadUnsaved = exist;
        }
      });
    },
    end: ({ digest }, reason) => tell({ type: "end", digest, reason: toErrorMessage(reason) }),
    suspended: (records) => tell({ type: "suspended", digests: records.map(({ digest }) => digest) }),
    stop() {
      stopping ??= (async () => {
        door.close();
        await pool.stop();
        relayDoor.close();
        listener.closeAllConnections();
        await relaySocket?.remove();
      })();
      return stopping;
    },
  };
}

/** Nothing of the owner's own settings goes along: they come by the channel. */
function spawnWorker(): ChildProcess {
  const own = Object.entries(process.env).filter(([name]) => !name.startsWith("VAULT_"));
  return fork(WORKER_PROGRAM, [], {
    env: Object.fromEntries(own),
    execArgv: process.execArgv.filter((flag) => !flag.startsWith("--inspect")),
    stdio: ["ignore", "ignore", "inherit", "ipc"],
  });
}
