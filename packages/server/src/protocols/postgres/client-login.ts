import { createHmac, randomBytes } from "node:crypto";
import { ProtocolViolation } from "../../wire/protocol-violation.js";
import type { WireSocket } from "../../wire/wire-socket.js";
import { isSame } from "../local-login.js";
import type { LocalLogin } from "../session-driver.js";
import {
  authenticationSasl,
  authenticationSaslContinue,
  authenticationSaslFinal,
} from "./authentication-request.js";
import { PostgresFailure, SQLSTATE } from "./failure.js";
import { POSTGRES_LIMITS } from "./limits.js";
import { messageParser } from "./message.js";
import { readSaslInitialResponse } from "./password-message.js";
import { deriveScramKeys, DIGEST_BYTES } from "./scram-keys.js";
import { scramServer, type ScramVerifier } from "./scram-server.js";
import type { StartupMessage } from "./startup-packet.js";

const MECHANISM = "SCRAM-SHA-256";
/** As PostgreSQL has it. More would add nothing: the password is random. */
const ITERATIONS = 4096;
const SALT_BYTES = 16;
const NONCE_BYTES = 18;

const parse = messageParser(POSTGRES_LIMITS.passwordMessageBytes);

/**
 * Lets a client in that knows the session's password.
 * @throws PostgresFailure if it does not; ProtocolViolation
 */
export type CheckClient = (client: WireSocket, startup: StartupMessage) => Promise<void>;

/** Checks clients by SCRAM-SHA-256, which every client library does. The password is hashed once a session. */
export function clientLogin({ username, password }: LocalLogin): CheckClient {
  const sessionKey = randomBytes(DIGEST_BYTES);
  // The salt of a user is always the same, as on a server, whether there is such a user or not.
  const parametersOf = (user: Buffer): { salt: Buffer; iterations: number } => ({
    salt: createHmac("sha256", sessionKey).update(user).digest().subarray(0, SALT_BYTES),
    iterations: ITERATIONS,
  });
  const nobody = { storedKey: randomBytes(DIGEST_BYTES), serverKey: randomBytes(DIGEST_BYTES) };
  let derived: ReturnType<typeof deriveScramKeys> | undefined;

  return async function checkClient(client, { parameters }) {
    const user = parameters.find(({ name }) => name === "user")?.value ?? Buffer.alloc(0);
    derived ??= deriveScramKeys(password.reveal(), parametersOf(Buffer.from(username)));
    const keys = await derived;
    const verifier: ScramVerifier = {
      ...parametersOf(user),
      ...(isSame(user.toString(), username) ? keys : nobody),
    };
    await client.write(authenticationSasl([MECHANISM]));
    const { mechanism, data } = readSaslInitialResponse(await nextResponse(client));
    if (mechanism !== MECHANISM)
      throw new ProtocolViolation("a SASL mechanism was chosen that is not offered", "client");
    const serverNonce = randomBytes(NONCE_BYTES).toString("base64");
    const challenge = scramServer(data, { verifier, serverNonce });
    await client.write(authenticationSaslContinue(challenge.serverFirst));
    const serverFinal = challenge.check(await nextResponse(client));
    if (serverFinal === undefined)
      throw new PostgresFailure(
        "unauthorized",
        SQLSTATE.invalidPassword,
        "the user or the password is not the session's",
      );
    await client.write(authenticationSaslFinal(serverFinal));
  };
}

async function nextResponse(client: WireSocket): Promise<Buffer> {
  const { type, body } = await client.read(parse, POSTGRES_LIMITS.passwordMessageBytes);
  if (type !== "p") throw new ProtocolViolation("something else came than an answer to SASL", "client");
  return body;
}
