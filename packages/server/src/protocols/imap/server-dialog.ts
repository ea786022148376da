import { VaultProxyError } from "../../errors/vault-proxy-error.js";
import { ProtocolViolation } from "../../wire/protocol-violation.js";
import type { WireSocket } from "../../wire/wire-socket.js";
import type { Capabilities } from "./capabilities.js";
import { IMAP_LIMITS } from "./limits.js";
import { parseResponse, type Response } from "./responses.js";

type Status = Extract<Response, { kind: "status" }>;

/** What a server answered to a command. */
export interface Answer {
  readonly condition: "OK" | "NO" | "BAD";
  readonly code: string | undefined;
  /** The last that it announced while it dealt with the command. */
  readonly capabilities: Capabilities | undefined;
}

export interface Command {
  /** What is sent, each part but the first when the server asks for it. They end in CRLF. */
  readonly parts: readonly string[];
  /** What is sent once if the server asks for one part more: to say of an error that one heard (RFC 7628 §3.2.3). */
  readonly errorAnswer?: string | undefined;
}

/** The commands that are sent to a server before its connection is given away. */
export interface ServerDialog {
  /** Waits for the greeting (RFC 9051 §7.1). */
  greeting(): Promise<Capabilities | undefined>;
  /** Sends a command and waits for its tagged response. */
  command(command: Command): Promise<Answer>;
  /** Goes on over TLS. */
  continueOn(wire: WireSocket): void;
}

/**
 * Speaks with a server, one command after the other.
 *
 * All reject with ProtocolViolation, and with VaultProxyError if the server says BYE.
 */
export function createServerDialog(plainWire: WireSocket): ServerDialog {
  let wire = plainWire;
  let commands = 0;
  let responses = 0;

  const next = async (): Promise<Response> => {
    responses += 1;
    if (responses > IMAP_LIMITS.responses)
      throw new ProtocolViolation("too many responses before the log-in", "server");
    const response = await wire.read(parseResponse, IMAP_LIMITS.responseBytes);
    if (response.kind === "status" && response.condition === "BYE")
      throw new VaultProxyError("upstream_failed", "the server ended the connection before the log-in");
    return response;
  };

  return {
    async greeting() {
      const response = await next();
      if (response.kind !== "status" || response.tag !== undefined)
        throw new ProtocolViolation("the greeting is not one", "server");
      // Somebody's mail, but whose? It would also pass over STARTTLS and the log-in (RFC 9051 §7.1.4).
      if (response.condition === "PREAUTH")
        throw new VaultProxyError(
          "upstream_failed",
          "the server is logged in before it was given a credential",
        );
      if (response.condition !== "OK") throw new ProtocolViolation("the greeting is not one", "server");
      return response.capabilities;
    },

    async command({ parts: [first = "", ...rest], errorAnswer }) {
      commands += 1;
      const tag = `v${commands}`;
      const waiting = [...rest];
      let capabilities: Capabilities | undefined;
      let hasHeardError = false;
      await wire.write(`${tag} ${first}`);
      for (;;) {
        const response = await next();
        if (response.kind === "continuation") {
          let part = waiting.shift();
          if (part === undefined && !hasHeardError) {
            hasHeardError = true;
            part = errorAnswer;
          }
          if (part === undefined) throw new ProtocolViolation("it asks for more than there is", "server");
          await wire.write(part);
          continue;
        }
        if (response.kind !== "data") capabilities = response.capabilities ?? capabilities;
        if (response.kind !== "status" || response.tag === undefined) continue;
        const condition = taggedCondition(response, tag);
        if (condition === "OK" && (waiting.length > 0 || hasHeardError))
          throw new ProtocolViolation("it agrees to what it was not sent", "server");
        return { condition, code: response.code, capabilities };
      }
    },

    continueOn(secured) {
      wire = secured;
    },
  };
}

function taggedCondition({ tag, condition }: Status, expected: string): Answer["condition"] {
  if (tag !== expected) throw new ProtocolViolation("it answers a command that was not sent", "server");
  if (condition === "OK" || condition === "NO" || condition === "BAD") return condition;
  throw new ProtocolViolation("a tagged response is not one", "server");
}
