import { connect as connectTcp, isIPv6, type Socket } from "node:net";
import { connect as connectTls } from "node:tls";
import { VaultProxyError } from "../errors/vault-proxy-error.js";

/** The most that a proxy may say before the tunnel stands. */
const MAX_HEAD_BYTES = 16 * 1024;
const HEAD_END = "\r\n\r\n";

export interface TunnelTarget {
  /** A name, or an address without brackets. */
  readonly hostname: string;
  readonly port: number;
}

/**
 * Opens a tunnel with CONNECT (RFC 9110 §9.3.6) through an egress proxy. The socket given is paused and has delivered
 * nothing: bytes of the proxy behind its head are fatal, since they would be read as the upstream's.
 *
 * @param options.proxy `http:` or `https:`; its user name and password go out as Basic credentials (RFC 7617)
 * @param options.signal its abort ends the attempt, whatever its stage
 * @throws VaultProxyError `upstream_failed`; the signal's reason on abort
 */
export function openEgressTunnel(options: {
  readonly proxy: URL;
  readonly target: TunnelTarget;
  readonly signal: AbortSignal;
}): Promise<Socket> {
  const { proxy, target, signal } = options;
  return new Promise((resolve, reject) => {
    if (signal.aborted) {
      reject(abortReason(signal));
      return;
    }
    const socket = dialProxy(proxy);
    let head = Buffer.alloc(0);

    const stopListening = (): void => {
      signal.removeEventListener("abort", onAbort);
      socket.off("data", onData).off("end", onEnd).off("error", onError);
    };
    const fail = (error: Error): void => {
      stopListening();
      // A socket that is going away may still report an error; nobody is left to hear it.
      socket.on("error", () => undefined).destroy();
      reject(error);
    };
    const onAbort = (): void => fail(abortReason(signal));
    const onEnd = (): void => fail(failure("the egress proxy closed the connection"));
    const onError = (error: Error): void => fail(failure("the egress proxy cannot be reached", error));
    const onData = (chunk: Buffer): void => {
      head = Buffer.concat([head, chunk]);
      const end = head.indexOf(HEAD_END);
      if (end === -1 && head.length <= MAX_HEAD_BYTES) return;
      const refusal =
        end === -1 || end > MAX_HEAD_BYTES
          ? failure("the egress proxy's answer is not valid HTTP")
          : judgeConnectAnswer(head.toString("latin1", 0, end), head.length - end - HEAD_END.length);
      if (refusal !== undefined) {
        fail(refusal);
        return;
      }
      stopListening();
      // Between two owners an error must not go unheard, which would end the process; the next write meets it again.
      socket.on("error", () => undefined).pause();
      resolve(socket);
    };

    signal.addEventListener("abort", onAbort);
    socket.setNoDelay(true);
    socket.on("data", onData).on("end", onEnd).on("error", onError);
    socket.once(proxy.protocol === "https:" ? "secureConnect" : "connect", () => {
      socket.write(connectRequest(proxy, target), "latin1");
    });
  });
}

function dialProxy(proxy: URL): Socket {
  const host = proxy.hostname.startsWith("[") ? proxy.hostname.slice(1, -1) : proxy.hostname;
  if (proxy.protocol === "https:") {
    const port = proxy.port === "" ? 443 : Number(proxy.port);
    const servername = isIPv6(host) || /^[\d.]+$/.test(host) ? "" : host;
    return connectTls({ host, port, servername, ALPNProtocols: ["http/1.1"], rejectUnauthorized: true });
  }
  return connectTcp({ host, port: proxy.port === "" ? 80 : Number(proxy.port) });
}

/** The head of the CONNECT request, as Latin-1 text. */
export function connectRequest(proxy: URL, target: TunnelTarget): string {
  const host = isIPv6(target.hostname) ? `[${target.hostname}]` : target.hostname;
  const authority = `${host}:${target.port}`;
  const lines = [`CONNECT ${authority} HTTP/1.1`, `Host: ${authority}`];
  if (proxy.username !== "" || proxy.password !== "") {
    const credentials = `${percentDecoded(proxy.username)}:${percentDecoded(proxy.password)}`;
    lines.push(`Proxy-Authorization: Basic ${Buffer.from(credentials).toString("base64")}`);
  }
  return `${lines.join("\r\n")}${HEAD_END}`;
}

function percentDecoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

/**
 * @param head the proxy's answer without the empty line that ends it
 * @param surplusBytes how much came behind that line
 * @returns why there is no tunnel
 */
export function judgeConnectAnswer(head: string, surplusBytes: number): VaultProxyError | undefined {
  const status = /^HTTP\/1\.[01] (\d{3})(?: [^\r\n]*)?(?:\r\n|$)/.exec(head)?.[1];
  if (status === undefined) return failure("the egress proxy's answer is not valid HTTP");
  if (status === "407") return failure("the egress proxy asks for other credentials");
  if (!status.startsWith("2")) return failure(`the egress proxy refused the connection (status ${status})`);
  if (surplusBytes > 0) return failure("the egress proxy sent data of its own into the tunnel");
  return undefined;
}

function failure(message: string, cause?: unknown): VaultProxyError {
  return new VaultProxyError("upstream_failed", message, { cause });
}

function abortReason(signal: AbortSignal): Error {
  const reason: unknown = signal.reason;
  return reason instanceof Error ? reason : failure("the connection was given up");
}
