import type { SessionProtocol } from "../auth-strategies/auth-strategy.js";
import type { Secret } from "../redaction/secret.js";
import type { PassBytes } from "../wire/splice.js";
import type { SecuredWire } from "../wire/start-tls.js";
import type { WireSocket } from "../wire/wire-socket.js";

/** What the clients of a session must log in with; it is made when the session is opened. */
export interface LocalLogin {
  readonly username: string;
  readonly password: Secret;
}

export type RunHeavy = <T>(work: () => Promise<T>) => Promise<T>;

/** What a driver may use while it connects one client. */
export interface ConnectionTools {
  /**
   * Connects to the service's server and logs in by `logIn`, which gets the connection and may lay TLS on it. The
   * connection gets closed if `logIn` rejects. There is a deadline for both.
   *
   * @throws VaultProxyError with a message that the client may see: what `logIn` threw, and a ProtocolViolation of the
   *   server or whatever went wrong underneath made one by `sessionFailure`; a ProtocolViolation of the client as it is
   */
  connectServer<T>(logIn: (wire: WireSocket) => Promise<T>): Promise<T>;
  /** TLS as the service wants it, with its trust. As `startTls`. */
  secure(wire: WireSocket): Promise<SecuredWire>;
  /** The access token of the service that the configuration names; rejects with a VaultProxyError. */
  accessToken(oauthService: string): Promise<string>;
  /**
   * Runs work that keeps a thread of the pool busy, as a far end may ask for: one piece at a time for all sessions, so
   * that nothing else waits for it, and not at all once the connection is over.
   */
  readonly runHeavy: RunHeavy;
  /**
   * Says that the client has given the login that it must give: until then it uses nothing of the session up.
   * @throws VaultProxyError `conflict` if the session takes no more clients
   */
  readonly takePlace: () => void;
  /**
   * Says that both are logged in, though what the client says is not the server's yet: it may be as slow from now on
   * as one whose bytes are passed on. What `connect` gives says the same, for all who call nothing before.
   */
  readonly onLoggedIn: () => void;
}

/** Both ends logged in; from now on bytes are passed on. */
export interface ConnectedEnds {
  readonly client: WireSocket;
  readonly server: WireSocket;
  /** How; as they are without it. */
  readonly pass?: PassBytes;
  /** Called once when the connection is over. */
  readonly onClosed?: () => void;
}

/** What the connections of one session share, in the driver's part. */
export interface ProtocolSession {
  /**
   * Speaks both log-ins. A failure is told to the client in its own protocol before it is thrown, and the client's
   * connection closed in order (`WireSocket.end`).
   *
   * @returns undefined if the client got what it wanted and there is nothing to pass on (a CancelRequest, a LOGOUT)
   * @throws VaultProxyError why the server could not be reached or logged in to; ProtocolViolation of the client
   */
  connect(client: WireSocket, tools: ConnectionTools): Promise<ConnectedEnds | undefined>;
  /** What a client hears that comes when all places are taken and might be free again later. */
  readonly refusal?: string;
  /**
   * Serves a client that comes when the session takes no more: refuses it in its protocol, or does what needs no place
   * (a CancelRequest). The listener stays open for these while the session lives; without it the listener is closed
   * when the last place is taken.
   */
  connectBeyond?(client: WireSocket, tools: ConnectionTools): Promise<void>;
}

/** One protocol. A new one is one folder in `protocols/` and one line in the registry. */
export interface SessionDriver<Config> {
  readonly protocol: SessionProtocol;
  /** @param login what every client must give; undefined if any will do */
  open(config: Config, login: LocalLogin | undefined): ProtocolSession;
  /** The URL that client libraries take, with the login if there is one. */
  urlOf(place: { readonly host: string; readonly port: number }, config: Config, login?: LocalLogin): string;
}
