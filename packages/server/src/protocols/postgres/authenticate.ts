import { randomBytes } from "node:crypto";
import type { PostgresConfig } from "../../auth-strategies/session-types/postgres.js";
import { VaultProxyError } from "../../errors/vault-proxy-error.js";
import { ProtocolViolation } from "../../wire/protocol-violation.js";
import { readAuthenticationRequest, type AuthenticationRequest } from "./authentication-request.js";
import { BodyReader } from "./body-reader.js";
import { tlsServerEndPoint } from "./channel-binding.js";
import type { NextMessage } from "./login-reader.js";
import { md5Response, passwordMessage, saslInitialResponse, saslResponse } from "./password-message.js";
import { scramClient, type ChannelBinding } from "./scram-client.js";
import type { RunHeavy } from "../session-driver.js";
import type { ServerWire } from "./server-tls.js";

/** A connection to log in on. */
export interface LogInServer extends ServerWire {
  readonly runHeavy: RunHeavy;
}

const SCRAM = "SCRAM-SHA-256";
const SCRAM_PLUS = "SCRAM-SHA-256-PLUS";
/** As many random bytes as libpq takes. */
const NONCE_BYTES = 18;

/**
 * Gives the server the password in the way that it asks for, from the StartupMessage to its AuthenticationOk.
 *
 * @returns its NegotiateProtocolVersion, if it sent one, for the client
 * @throws VaultProxyError if it refuses, or asks for what is not done; ProtocolViolation
 */
export async function authenticate(
  server: LogInServer,
  next: NextMessage,
  config: PostgresConfig,
): Promise<Buffer | undefined> {
  let negotiated: Buffer | undefined;
  const nextRequest = async (): Promise<AuthenticationRequest> => {
    for (;;) {
      const message = await next();
      switch (message.type) {
        case "R":
          return readAuthenticationRequest(message.body);
        case "N":
          break;
        case "v":
          if (negotiated !== undefined) throw violation("two versions of the protocol were negotiated");
          checkNegotiation(message.body);
          negotiated = message.bytes;
          break;
        default:
          throw violation("an unexpected message came in the log-in");
      }
    }
  };

  const request = await nextRequest();
  if (request.kind !== "ok") {
    await answer(request, server, nextRequest, config);
    const outcome = await nextRequest();
    if (outcome.kind !== "ok") throw violation("the log-in goes on behind its end");
  }
  return negotiated;
}

/** Does all of the way that `request` begins, up to the word of the server that tells whether it lets us in. */
async function answer(
  request: AuthenticationRequest,
  server: LogInServer,
  nextRequest: () => Promise<AuthenticationRequest>,
  { postgres_user: user, postgres_password: password }: PostgresConfig,
): Promise<void> {
  switch (request.kind) {
    case "cleartext":
      if (!server.hasTls)
        throw cannotLogIn("the server asks for the password in the clear, over a connection without TLS");
      await server.wire.write(passwordMessage(password.reveal()));
      return;
    case "md5":
      await server.wire.write(passwordMessage(md5Response(user, password.reveal(), request.salt)));
      return;
    case "sasl": {
      const { mechanism, binding } = chooseMechanism(request.mechanisms, server);
      const nonce = randomBytes(NONCE_BYTES).toString("base64");
      const exchange = scramClient({
        ...{ password: password.reveal(), nonce, binding },
        runHeavy: server.runHeavy,
      });
      await server.wire.write(saslInitialResponse(mechanism, exchange.clientFirst));
      const { clientFinal, verify } = await exchange.answer(await nextSasl(nextRequest, "sasl_continue"));
      await server.wire.write(saslResponse(clientFinal));
      verify(await nextSasl(nextRequest, "sasl_final"));
      return;
    }
    case "unsupported":
      throw cannotLogIn(`the server asks for a log-in by ${request.name}, which is not done here`);
    default:
      throw violation("a SCRAM message came before SCRAM was begun");
  }
}

/** A server that lets us in before it has shown its signature has not shown that it knows the password. */
async function nextSasl(
  nextRequest: () => Promise<AuthenticationRequest>,
  kind: "sasl_continue" | "sasl_final",
): Promise<Buffer> {
  const request = await nextRequest();
  if (request.kind !== kind) throw violation("a message of SCRAM came out of its order");
  return request.data;
}

/** SCRAM-SHA-256-PLUS wherever it can be done. */
function chooseMechanism(
  offered: readonly string[],
  { certificate }: ServerWire,
): { readonly mechanism: string; readonly binding: ChannelBinding } {
  const endPoint = certificate === undefined ? undefined : tlsServerEndPoint(certificate);
  if (offered.includes(SCRAM_PLUS) && endPoint !== undefined)
    return { mechanism: SCRAM_PLUS, binding: { flag: "p", endPoint } };
  if (!offered.includes(SCRAM)) throw cannotLogIn("the server offers no SASL mechanism that is done here");
  return { mechanism: SCRAM, binding: { flag: endPoint === undefined ? "n" : "y" } };
}

/** NegotiateProtocolVersion: the newest version, and the names of the options that the server does not know. */
function checkNegotiation(body: Buffer): void {
  const reader = new BodyReader(body);
  reader.int32();
  for (let left = reader.uint32(); left > 0; left -= 1) reader.cstring();
  reader.assertEnd();
}

function cannotLogIn(sentence: string): VaultProxyError {
  return new VaultProxyError("upstream_login_failed", sentence);
}

function violation(rule: string): ProtocolViolation {
  return new ProtocolViolation(rule, "server");
}
