import { justificationOf } from "../audit/justification.js";
import type { IncomingMessage } from "node:http";
import { serviceNameSchema } from "../auth-strategies/service-definition.js";
import { answerErrorOnSocket } from "../data-plane/own-answer.js";
import type { IncomingUpgrade } from "../data-plane/proxy-pipeline.js";
import { statusOf } from "../errors/error-codes.js";
import { toVaultProxyError, VaultProxyError } from "../errors/vault-proxy-error.js";
import { describeThrown, type Logger } from "../redaction/logger.js";
import type { SshCalls } from "../ssh/ssh-calls.js";
import { openShell, type ShellClock } from "../ssh/ssh-shell.js";
import type { TerminalSize } from "../ssh/terminal-frames.js";
import { assertMayCall } from "../tokens/token-scope.js";
import type { TokenRegistry } from "../tokens/token-registry.js";
import type { Vault } from "../vault/vault.js";
import { assertUnlocked, authenticateBearer } from "./authentication.js";
import { DEFAULT_TERMINAL_SIZE, terminalSizeQuery } from "./ssh-session.js";
import { invalidRequest } from "./validation-message.js";
import { holdHandshake, type HeldHandshake } from "./websocket-handshake.js";

export interface ShellUpgradesParts {
  readonly vault: Pick<Vault, "status">;
  readonly tokens: Pick<TokenRegistry, "authenticate">;
  readonly ssh: SshCalls;
  readonly clock: ShellClock;
  readonly log: Pick<Logger, "debug" | "error">;
}

export interface ShellUpgrades {
  /** Serves a WebSocket handshake. Answers every failure itself; never throws. */
  upgrade(upgrade: IncomingUpgrade): void;
  /** Ends all shells, and opens no more. */
  end(reason: VaultProxyError): void;
}

/** `GET /ssh/{service}/session` as a WebSocket: locked (423), token (401), request (400, 426), service (404), scope (403). */
export function createShellUpgrades(parts: ShellUpgradesParts): ShellUpgrades {
  const open = new Set<AbortController>();
  let stopped: VaultProxyError | undefined;

  const serve = async (upgrade: IncomingUpgrade, handshake: HeldHandshake): Promise<void> => {
    const { request, requestId } = upgrade;
    assertUnlocked(parts.vault);
    const token = authenticateBearer(parts.tokens, request.headersDistinct.authorization?.join(", "));
    assertMayCall(token);
    const { service, size } = readTarget(upgrade.target);
    assertHandshake(request);
    if (stopped !== undefined) throw stopped;
    const ends = new AbortController();
    open.add(ends);
    const startedAt = parts.clock.now();
    try {
      const caller = {
        ...{ token, service, action: "session" as const },
        origin: {
          request_id: requestId,
          client: request.socket.remoteAddress,
          justification: justificationOf(request.headers),
        },
        signal: handshake.callerGone,
      };
      const close = await parts.ssh.run(caller, (call) =>
        openShell(call, {
          ...{ size, signal: ends.signal, clock: parts.clock },
          accept: () => handshake.accept({ "X-Vault-Request-Id": requestId }),
        }),
      );
      parts.log.debug(
        {
          ...{ request_id: requestId, service, close: close.code },
          milliseconds: Math.round(parts.clock.now() - startedAt),
        },
        "shell ended",
      );
    } finally {
      open.delete(ends);
    }
  };

  return {
    upgrade(upgrade) {
      const handshake = holdHandshake(upgrade);
      serve(upgrade, handshake).catch((thrown: unknown) => {
        const error = toVaultProxyError(thrown);
        const { requestId, socket } = upgrade;
        if (statusOf(error.code) >= 500) {
          parts.log.error(
            { request_id: requestId, error: error.code, ...describeThrown(error.cause ?? error) },
            "shell failed",
          );
        }
        if (handshake.isAnswered) socket.destroy();
        else answerErrorOnSocket(socket, error, { requestId });
      });
    },
    end(reason) {
      stopped = reason;
      for (const shell of open) shell.abort(reason);
    },
  };
}

/** @throws VaultProxyError `invalid_request` */
function readTarget(target: string): { service: string; size: TerminalSize } {
  const [, segment = "", query = ""] = /\/ssh\/([^/?]*)\/session(?:\?(.*))?$/s.exec(target) ?? [];
  const service = serviceNameSchema.safeParse(decoded(segment));
  if (!service.success) throw invalidRequest(service.error.issues, segment, "service");
  const parameters: Record<string, unknown> = {};
  for (const [name, value] of new URLSearchParams(query)) {
    parameters[name] = name in parameters ? null : value;
  }
  const size = terminalSizeQuery.safeParse(parameters);
  if (!size.success) throw invalidRequest(size.error.issues, parameters, "query");
  const { cols = DEFAULT_TERMINAL_SIZE.cols, rows = DEFAULT_TERMINAL_SIZE.rows } = size.data;
  return { service: service.data, size: { cols, rows } };
}

function decoded(segment: string): string {
  try {
    return decodeURIComponent(segment);
  } catch {
    return "";
  }
}

/** A nonce of 16 bytes, in base64. */
const KEY = /^[A-Za-z0-9+/]{22}==$/;
const VERSION = "13";

/**
 * What a client must send (RFC 6455 §4.2.1). That it asks for an upgrade to WebSocket the listener has seen.
 * @throws VaultProxyError `invalid_request`, `upgrade_required`
 */
function assertHandshake({ method, httpVersion, headers, headersDistinct }: IncomingMessage): void {
  const hasBody = headers["transfer-encoding"] !== undefined || (headers["content-length"] ?? "0") !== "0";
  if (method !== "GET" || hasBody) {
    throw new VaultProxyError("invalid_request", "a WebSocket handshake is a GET without a body");
  }
  if (httpVersion === "1.0") {
    throw new VaultProxyError("invalid_request", "a WebSocket handshake needs HTTP/1.1");
  }
  const versions = headersDistinct["sec-websocket-version"] ?? [];
  if (versions.length !== 1 || versions[0] !== VERSION) {
    throw new VaultProxyError("upgrade_required", `this is WebSocket version ${VERSION}`);
  }
  const keys = headersDistinct["sec-websocket-key"] ?? [];
  if (keys.length !== 1 || !KEY.test(keys[0] ?? "")) {
    throw new VaultProxyError("invalid_request", "Sec-WebSocket-Key: must be 16 bytes in base64, once");
  }
}
