import type { Socket } from "node:net";
import { VaultProxyError } from "../errors/vault-proxy-error.js";
import type { ConnectionTools, ProtocolSession } from "../protocols/session-driver.js";
import { ProtocolViolation } from "../wire/protocol-violation.js";
import { splice, type SpliceEnd } from "../wire/splice.js";
import { WireSocket } from "../wire/wire-socket.js";
import type { ConnectionEvents } from "./server-connections.js";
import { SESSION_LIMITS } from "./session-limits.js";
import type { SessionPort } from "./session-port.js";

export interface SessionSettings {
  /** 1: one in all; more: so many at a time, until the session expires. */
  readonly maxConnections: number;
  /** Milliseconds since the epoch: the end of waiting for the one client, or of the session if it takes several. */
  readonly expiresAt: number;
  /** Milliseconds since the epoch: when the token that opened it ends, and with it all that it opened. */
  readonly tokenExpiresAt: number;
  /** Milliseconds without a byte either way after which a connection is closed; undefined for no such limit. */
  readonly idleTimeoutMs: number | undefined;
}

/** How one client's connection went. */
export interface ConnectionOutcome {
  /** Whether both ends were logged in. */
  readonly connected: boolean;
  /** Why it ended. */
  readonly end: SpliceEnd | "served" | "idle" | "failed";
  /** Of a failed log-in. */
  readonly error: VaultProxyError | undefined;
  /** From the client, and to it. */
  readonly bytesIn: number;
  readonly bytesOut: number;
  readonly seconds: number;
}

export interface SessionParts {
  readonly settings: SessionSettings;
  readonly protocol: ProtocolSession;
  /** Whether a client has to log in before it uses a place. */
  readonly needsLogin: boolean;
  readonly toolsFor: (signal: AbortSignal, events: ConnectionEvents) => ConnectionTools;
  /** Of a client that has just connected. */
  readonly isAllowed: (client: Socket) => Promise<boolean>;
  /** Milliseconds since the epoch. */
  readonly clock: () => number;
  readonly onConnectionEnd: (outcome: ConnectionOutcome) => void;
  /** Called once, when the port is closed and no connection is left. */
  readonly onEnd: () => void;
}

/** One client, from its acceptance to its end. */
interface Connection {
  readonly socket: Socket;
  readonly control: AbortController;
  /** Whether it counts: not before its client has given the login that it must give. */
  hasPlace: boolean;
}

/** What is done while a client logs in. */
interface LogIn<T> extends ConnectionEvents {
  readonly connect: (tools: ConnectionTools) => Promise<T>;
}

interface Idleness {
  /** From now on a connection may be idle only so long. */
  readonly begin: () => void;
  /** Whether it was the connection's end. */
  readonly wasEnd: () => boolean;
}

function noPlace(): VaultProxyError {
  return new VaultProxyError("conflict", "the session takes no more clients");
}

/** What a timer of Node can wait for at most. */
const LONGEST_TIMER_MS = 2 ** 31 - 1;

/** Why a session was ended from within. */
const EXPIRED = new VaultProxyError("not_found", "the session has expired");

/** A port that is already logged in: takes clients, and connects each to the server. */
export class Session {
  readonly #parts: SessionParts;
  readonly #connections = new Set<Connection>();
  /** Resolves when nothing of it is left. */
  readonly over: Promise<void>;
  readonly #timer: NodeJS.Timeout;
  #tokenTimer: NodeJS.Timeout | undefined;
  #resolveOver = (): void => undefined;
  #port: SessionPort | undefined;
  /** Clients that have no place. */
  readonly #beyond = new Set<Connection>();
  #checking = 0;
  #accepted = 0;
  /** Bytes of connections that are over. */
  #bytes = { in: 0, out: 0 };
  #isRetired = false;
  #hasEnded = false;
  #isOver = false;

  constructor(parts: SessionParts) {
    this.#parts = parts;
    const remaining = Math.max(0, parts.settings.expiresAt - parts.clock());
    this.#timer = setTimeout(() => this.end(EXPIRED), remaining);
    this.over = new Promise((resolve) => (this.#resolveOver = resolve));
    this.#watchToken();
  }

  /** The port on which clients come, from now on. */
  listenOn(port: SessionPort): void {
    this.#port = port;
    if (this.#hasEnded) port.server.close();
  }

  /** Of clients that have a place. */
  get connections(): number {
    return [...this.#connections].filter(({ hasPlace }) => hasPlace).length;
  }

  /** Bytes from all clients, and to them. */
  get bytes(): { readonly in: number; readonly out: number } {
    const bytes = { ...this.#bytes };
    for (const { socket } of this.#connections) {
      bytes.in += socket.bytesRead;
      bytes.out += socket.bytesWritten;
    }
    return bytes;
  }

  /** Takes no more clients; those that are connected go on. */
  retire(): void {
    this.#isRetired = true;
    this.#port?.server.close();
    if (this.#connections.size === 0) this.end(EXPIRED);
  }

  /** Closes the port and every connection at once. */
  end(reason: VaultProxyError): void {
    if (this.#hasEnded) return;
    this.#hasEnded = true;
    clearTimeout(this.#timer);
    clearTimeout(this.#tokenTimer);
    this.#port?.server.close();
    for (const { control } of [...this.#connections, ...this.#beyond]) control.abort(reason);
    this.#endIfEmpty();
  }

  #watchToken(): void {
    const remaining = this.#parts.settings.tokenExpiresAt - this.#parts.clock();
    this.#tokenTimer = setTimeout(
      () => {
        if (remaining > LONGEST_TIMER_MS) this.#watchToken();
        else this.end(new VaultProxyError("unauthorized", "the token has expired"));
      },
      Math.min(Math.max(0, remaining), LONGEST_TIMER_MS),
    );
  }

  /** A client has connected. */
  readonly accept = (socket: Socket): void => {
    // A client that is gone before anyone reads from it.
    socket.on("error", () => undefined);
    if (this.#hasEnded || this.#isRetired || this.#checking >= SESSION_LIMITS.checkedClients) {
      socket.destroy();
      return;
    }
    this.#checking += 1;
    void this.#parts
      .isAllowed(socket)
      .catch(() => false)
      .then((isAllowed) => {
        this.#checking -= 1;
        if (isAllowed && !this.#hasEnded && !this.#isRetired) this.#place(socket);
        else socket.destroy();
      });
  };

  #place(socket: Socket): void {
    const connection: Connection = { socket, control: new AbortController(), hasPlace: false };
    if (!this.#hasFreePlace()) void this.#serveBeyond(connection);
    else if (this.#connections.size - this.connections >= SESSION_LIMITS.waitingClients) socket.destroy();
    else {
      if (!this.#parts.needsLogin) this.#takePlace(connection);
      void this.#serve(connection);
    }
  }

  #hasFreePlace(): boolean {
    const { maxConnections } = this.#parts.settings;
    return maxConnections === 1 ? this.#accepted === 0 : this.connections < maxConnections;
  }

  /** @throws VaultProxyError `conflict` if another was quicker */
  #takePlace(connection: Connection): void {
    if (connection.hasPlace) return;
    if (this.#isRetired || !this.#hasFreePlace()) throw noPlace();
    connection.hasPlace = true;
    this.#accepted += 1;
    if (this.#parts.settings.maxConnections > 1) return;
    clearTimeout(this.#timer);
    if (this.#parts.protocol.connectBeyond === undefined) this.#port?.server.close();
    for (const other of this.#connections) if (other !== connection) other.control.abort(noPlace());
  }

  async #serve(connection: Connection): Promise<void> {
    const { socket } = connection;
    this.#connections.add(connection);
    const startedAt = performance.now();
    const outcome = await this.#run(connection);
    const [bytesIn, bytesOut] = [socket.bytesRead, socket.bytesWritten];
    this.#connections.delete(connection);
    this.#bytes.in += bytesIn;
    this.#bytes.out += bytesOut;
    const seconds = Math.round(performance.now() - startedAt) / 1000;
    this.#parts.onConnectionEnd({ ...outcome, bytesIn, bytesOut, seconds });
    const wasTheOne = this.#parts.settings.maxConnections === 1 && connection.hasPlace;
    if (wasTheOne || (this.#isRetired && this.#connections.size === 0)) this.end(EXPIRED);
    this.#endIfEmpty();
  }

  async #run(connection: Connection): Promise<Pick<ConnectionOutcome, "connected" | "end" | "error">> {
    const { socket, control } = connection;
    const { signal } = control;
    const client = new WireSocket(socket, "client");
    const idleness = this.#watchIdleness(socket, control);
    try {
      const ends = await this.#logIn(client, control, {
        connect: (tools) => this.#parts.protocol.connect(client, tools),
        takePlace: () => this.#takePlace(connection),
        onLoggedIn: idleness.begin,
      });
      if (ends === undefined) {
        await client.end();
        return { connected: false, end: "served", error: undefined };
      }
      idleness.begin();
      const end = await splice(ends.client, ends.server, signal, ends.pass);
      ends.onClosed?.();
      return { connected: true, end: idleness.wasEnd() ? "idle" : end, error: undefined };
    } catch (error) {
      client.destroy();
      return { connected: false, end: signal.aborted ? "ended" : "failed", error: failureOf(error) };
    } finally {
      // Whatever was made on the way and has no end yet.
      control.abort();
    }
  }

  /** Both log-ins, within their time. */
  async #logIn<T>(
    client: WireSocket,
    control: AbortController,
    { connect, takePlace, onLoggedIn }: LogIn<T>,
  ): Promise<T> {
    const { signal } = control;
    const onAbort = (): void => client.destroy(signal.reason as Error);
    signal.addEventListener("abort", onAbort);
    const timer = setTimeout(() => {
      control.abort(new VaultProxyError("upstream_timeout", "the log-in took too long"));
    }, SESSION_LIMITS.connectMs);
    try {
      const tools = this.#parts.toolsFor(signal, {
        takePlace,
        onLoggedIn() {
          clearTimeout(timer);
          onLoggedIn();
        },
      });
      return await connect(tools);
    } finally {
      clearTimeout(timer);
      signal.removeEventListener("abort", onAbort);
    }
  }

  #watchIdleness(socket: Socket, control: AbortController): Idleness {
    const { idleTimeoutMs = 0 } = this.#parts.settings;
    let wasIdle = false;
    socket.on("timeout", () => {
      wasIdle = true;
      control.abort(new VaultProxyError("upstream_timeout", "the connection was idle for too long"));
    });
    return {
      // Every byte passes the client's socket, in one direction or the other.
      begin: () => void socket.setTimeout(idleTimeoutMs),
      wasEnd: () => wasIdle,
    };
  }

  async #serveBeyond(connection: Connection): Promise<void> {
    const { socket } = connection;
    const { protocol } = this.#parts;
    const serve = protocol.connectBeyond?.bind(protocol);
    if (serve === undefined || this.#beyond.size >= SESSION_LIMITS.waitingClients) {
      await new WireSocket(socket, "client").end(protocol.refusal ?? "");
      return;
    }
    this.#beyond.add(connection);
    const client = new WireSocket(socket, "client");
    try {
      await this.#logIn(client, connection.control, {
        connect: (tools) => serve(client, tools),
        takePlace() {
          throw noPlace();
        },
        onLoggedIn: () => undefined,
      });
      await client.end();
    } catch {
      client.destroy();
    } finally {
      connection.control.abort();
      this.#beyond.delete(connection);
      this.#endIfEmpty();
    }
  }

  #endIfEmpty(): void {
    if (this.#isOver || !this.#hasEnded || this.#connections.size + this.#beyond.size > 0) return;
    this.#isOver = true;
    this.#parts.onEnd();
    this.#resolveOver();
  }
}

function failureOf(error: unknown): VaultProxyError {
  if (error instanceof VaultProxyError) return error;
  if (error instanceof ProtocolViolation)
    return new VaultProxyError("invalid_request", `the client's part went wrong: ${error.message}`);
  return new VaultProxyError("internal", "the session failed", { cause: error });
}
