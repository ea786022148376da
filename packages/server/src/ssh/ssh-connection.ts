import { Socket } from "node:net";
import type {
  Client,
  AnyAuthMethod,
  AuthHandlerMiddleware,
  ClientChannel,
  PseudoTtyOptions,
  SFTPWrapper,
} from "ssh2";
import type { SshAccess } from "../auth-strategies/auth-strategy.js";
import {
  fingerprintOf,
  formatHostKey,
  isSavedHostKey,
  savedFingerprint,
  savedKeyType,
} from "../auth-strategies/ssh-host-key.js";
import { sshLibrary } from "../auth-strategies/ssh-keys/ssh-library.js";
import { VaultProxyError } from "../errors/vault-proxy-error.js";
import { dial } from "../wire/dial.js";
import { offeredAlgorithms } from "./ssh-algorithms.js";
import { loginRefused, sshFailure } from "./ssh-failure.js";
import { refuseGlobalRequests, remoteSoftware } from "./library-inside.js";
import { SSH_LIMITS } from "./ssh-limits.js";
import { chooseLogIn, type LogInCredential } from "./ssh-log-in.js";

/** A server, and how to log in there. */
export interface SshTarget
  extends LogInCredential, Pick<SshAccess, "host" | "port" | "hostKey" | "legacyAlgorithms"> {
  readonly allowPrivate: boolean;
}

export interface SshConnectionOptions {
  /** Ends the attempt, or the connection, with its reason. */
  readonly signal: AbortSignal;
  /**
   * Called on a first connection with the key that the server has proved to have, before it is shown any credential.
   * @throws VaultProxyError if it is not to be trusted, because another one is kept meanwhile, or cannot be kept
   */
  readonly rememberHostKey: (hostKey: string) => Promise<void>;
  /** Told the key that the server shows, as soon as it has proved to have it. */
  readonly onHostKey?: (hostKey: string) => void;
  readonly connectMs?: number | undefined;
  readonly openChannelMs?: number | undefined;
}

/** How the process of a channel ended, as the server says (RFC 4254 §6.10). */
export interface ProcessExit {
  /** Null if a signal ended it. */
  readonly code: number | null;
  /** With "SIG" before its name. */
  readonly signal: string | undefined;
}

/** A channel with a process at its other end. */
export type SshChannel = ClientChannel & {
  /**
   * Settles when the channel is closed, and all that came on it, also on `stderr`, was read; undefined if the server said
   * nothing of the process's end.
   */
  readonly ended: Promise<ProcessExit | undefined>;
};

type Callback<T> = (error: Error | undefined, value: T) => void;

/** What is done on a channel of one kind. */
export interface ChannelUse<Channel, Result> {
  readonly open: (connection: SshConnection) => Promise<Channel>;
  /** The channel is closed, or lost, when this settles: soon, if the call has ended before it was opened. */
  readonly use: (channel: Channel, connection: SshConnection) => Promise<Result>;
}

/** A connection that is logged in. Every method rejects with a VaultProxyError, or with what `isChannelRefusal` knows. */
export interface SshConnection {
  /** The server's host key, as it is kept. */
  readonly hostKey: string;
  /** What the server calls its software (RFC 4253 §4.2). */
  readonly software: string;
  readonly isOpen: boolean;
  /** Settles when the connection is over. */
  readonly closed: Promise<void>;
  /** Runs a command (RFC 4254 §6.5). */
  exec(command: string): Promise<SshChannel>;
  /** Starts the user's shell in a terminal (RFC 4254 §6.2). */
  shell(terminal: PseudoTtyOptions): Promise<SshChannel>;
  /** Starts the subsystem for files (draft-ietf-secsh-filexfer-02). */
  sftp(): Promise<SFTPWrapper>;
  /** Ends every channel. */
  destroy(): void;
}

/**
 * Connects and logs in, all within one deadline.
 * @throws VaultProxyError `destination_blocked`, `ssh_host_key_mismatch`, `upstream_failed`, `upstream_login_failed`,
 *   `upstream_timeout`; the signal's reason
 */
export async function connectSsh(target: SshTarget, options: SshConnectionOptions): Promise<SshConnection> {
  const late = new AbortController();
  const timer = setTimeout(() => {
    late.abort(new VaultProxyError("upstream_timeout", "the server did not finish the log-in in time"));
  }, options.connectMs ?? SSH_LIMITS.connectMs);
  const signal = AbortSignal.any([options.signal, late.signal]);
  try {
    const { socket } = (await dial(target, { signal })).detach();
    if (!(socket instanceof Socket)) throw new Error("not a connection by TCP");
    return await logIn(socket, target, { ...options, signal });
  } catch (error) {
    throw sshFailure(error);
  } finally {
    clearTimeout(timer);
  }
}

async function logIn(
  socket: Socket,
  target: SshTarget,
  { signal, rememberHostKey, onHostKey, openChannelMs }: SshConnectionOptions,
): Promise<SshConnection> {
  const client = new (sshLibrary().Client)();
  let failure: Error | undefined;
  const fail = (error: Error): void => {
    failure ??= error;
    socket.destroy();
  };
  client.on("error", fail);
  const closed = new Promise<void>((resolve) => socket.on("close", () => resolve()));
  // The library leaves its half open when the server has closed its own.
  socket.on("end", () => socket.destroy());
  const onAbort = (): void => fail(signal.reason as Error);
  signal.addEventListener("abort", onAbort);

  let hostKey: Buffer | undefined;
  const verifyHostKey = (shown: Buffer): boolean => {
    // Also at every exchange of new keys on a running connection.
    const isKnown =
      target.hostKey === undefined ? (hostKey?.equals(shown) ?? true) : isSavedHostKey(target.hostKey, shown);
    if (!isKnown) {
      fail(hostKeyMismatch(target.hostKey ?? formatHostKey(hostKey ?? shown), shown));
      return false;
    }
    hostKey = shown;
    return true;
  };
  // Instead of taking the password a server may demand a new one (RFC 4252 §8).
  client.on("change password", () => fail(loginRefused()));
  const nextMethod = chooseLogIn(target);
  let isRemembered = target.hostKey !== undefined;
  client.once("handshake", () => {
    if (hostKey !== undefined) onHostKey?.(formatHostKey(hostKey));
  });
  const authHandler: AuthHandlerMiddleware = (methodsLeft, isPartial, next) => {
    const proceed = async (): Promise<void> => {
      if (!isRemembered && hostKey !== undefined) {
        await rememberHostKey(formatHostKey(hostKey));
        isRemembered = true;
      }
      // The library's types do not know that `false` ends the attempts.
      next(nextMethod(methodsLeft, isPartial) as AnyAuthMethod);
    };
    proceed().catch((error: unknown) => fail(error as Error));
  };

  const ready = new Promise<void>((resolve, reject) => {
    client.once("ready", resolve);
    void closed.then(() =>
      reject(failure ?? new VaultProxyError("upstream_failed", "the server closed the connection")),
    );
  });
  signal.throwIfAborted();
  client.connect({
    sock: socket,
    username: target.user,
    algorithms: offeredAlgorithms(
      target.legacyAlgorithms,
      target.hostKey === undefined ? undefined : savedKeyType(target.hostKey),
    ),
    hostVerifier: verifyHostKey,
    authHandler,
    ident: "vault-proxy",
    readyTimeout: 0,
    keepaliveInterval: SSH_LIMITS.keepAliveMs,
    keepaliveCountMax: SSH_LIMITS.keepAliveCount,
  });
  refuseGlobalRequests(client, () => {
    fail(new VaultProxyError("upstream_failed", "the server offers its host keys again and again"));
  });
  try {
    await ready;
  } finally {
    signal.removeEventListener("abort", onAbort);
  }
  return new LoggedInConnection({
    client,
    socket,
    hostKey: hostKey === undefined ? "" : formatHostKey(hostKey),
    closed,
    failure: () => failure,
    openChannelMs: openChannelMs ?? SSH_LIMITS.openChannelMs,
  });
}

/** Both are shown: whoever has to decide whether a server was replaced, or is being imitated, must compare them. */
export function hostKeyMismatch(saved: string, shown: Uint8Array): VaultProxyError {
  return new VaultProxyError(
    "ssh_host_key_mismatch",
    `the server's host key has changed: ${savedFingerprint(saved)} is kept, ${fingerprintOf(shown)} was shown`,
  );
}

interface LoggedIn {
  readonly client: Client;
  readonly socket: Socket;
  readonly hostKey: string;
  readonly closed: Promise<void>;
  readonly failure: () => Error | undefined;
  readonly openChannelMs: number;
}

class LoggedInConnection implements SshConnection {
  readonly hostKey: string;
  readonly software: string;
  readonly closed: Promise<void>;
  readonly #parts: LoggedIn;
  readonly #channels = new Set<ClientChannel>();

  constructor(parts: LoggedIn) {
    this.#parts = parts;
    this.hostKey = parts.hostKey;
    this.closed = parts.closed;
    this.software = remoteSoftware(parts.client);
    parts.socket.on("data", this.#onData);
  }

  get isOpen(): boolean {
    return !this.#parts.socket.destroyed && this.#parts.socket.writable;
  }

  exec(command: string): Promise<SshChannel> {
    return this.#openStream((client, done) => client.exec(command, done));
  }

  shell(terminal: PseudoTtyOptions): Promise<SshChannel> {
    return this.#openStream((client, done) => client.shell(terminal, done));
  }

  sftp(): Promise<SFTPWrapper> {
    return this.#open<SFTPWrapper>((client, done) => {
      client.sftp((error, sftp) => {
        // What comes in the same packet may be a violation already, which nobody else would hear.
        if (error === undefined) sftp.on("error", () => undefined);
        done(error, sftp);
      });
    });
  }

  destroy(): void {
    this.#parts.socket.destroy();
  }

  async #openStream(open: (client: Client, done: Callback<ClientChannel>) => unknown): Promise<SshChannel> {
    return this.#open<SshChannel>((client, done) =>
      open(client, (error, channel) => {
        // A process may have ended before whoever waits for the channel gets it.
        done(error, error === undefined ? watchEnd(channel) : (channel as SshChannel));
        if (error !== undefined) return;
        this.#channels.add(channel);
        channel.once("close", () => this.#channels.delete(channel));
      }),
    );
  }

  async #open<T>(open: (client: Client, done: Callback<T>) => unknown): Promise<T> {
    const { client, failure, closed, openChannelMs } = this.#parts;
    if (!this.isOpen) throw sshFailure(failure() ?? connectionLost());
    return new Promise<T>((resolve, reject) => {
      const timer = setTimeout(() => {
        // There is no way to take the request back, and an answer that comes late would be nobody's.
        this.destroy();
        reject(new VaultProxyError("upstream_timeout", "the server did not open a channel in time"));
      }, openChannelMs);
      void closed.then(() => {
        clearTimeout(timer);
        reject(sshFailure(failure() ?? connectionLost()));
      });
      try {
        open(client, (error, value) => {
          clearTimeout(timer);
          if (error === undefined) resolve(value);
          else reject(error);
        });
      } catch (error) {
        clearTimeout(timer);
        reject(sshFailure(error));
      }
    });
  }

  /** The library takes whatever a server sends beyond the window that it was given. */
  readonly #onData = (): void => {
    for (const channel of this.#channels) {
      const unread = channel.readableLength + channel.stderr.readableLength;
      if (unread > SSH_LIMITS.unreadBytes) this.destroy();
    }
  };
}

function connectionLost(): VaultProxyError {
  return new VaultProxyError("upstream_failed", "the connection to the server was lost");
}

function watchEnd(channel: ClientChannel): SshChannel {
  let exit: ProcessExit | undefined;
  channel.on("exit", (code: number | null, signal?: string) => (exit = { code, signal }));
  // Each of the two streams has a close of its own, when all of it was read.
  const closings = [channel, channel.stderr].map(
    (stream) => new Promise<void>((resolve) => stream.once("close", () => resolve())),
  );
  return Object.assign(channel, { ended: Promise.all(closings).then(() => exit) });
}
