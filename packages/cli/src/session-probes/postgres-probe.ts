import { randomBytes } from "node:crypto";

import { CliError } from "../failures.js";
import type { Parse, ProbeLogin, SessionProbe } from "./probe-connection.js";
import { scramClient } from "./scram-client.js";

const PROTOCOL_3_0 = 0x00_03_00_00;
const NONCE_BYTES = 18;
const MECHANISM = "SCRAM-SHA-256";
/** In AuthenticationXXX messages. */
const SASL = 10;
const SASL_CONTINUE = 11;

interface Message {
  readonly type: string;
  readonly body: Buffer;
}

/** From the StartupMessage to ReadyForQuery (PostgreSQL documentation, "Message Formats"). */
export const probePostgres: SessionProbe = async (connection, login) => {
  connection.write(startup(login?.username ?? "any"));
  let scram: ReturnType<typeof scramClient> | undefined;
  for (;;) {
    const { type, body } = await connection.read(message);
    if (type === "E") throw new CliError(errorText(body));
    if (type === "Z") break;
    if (type !== "R") continue;
    const kind = body.readUInt32BE(0);
    if (kind === SASL) {
      scram = scramOf(login);
      connection.write(saslInitialResponse(scram.first));
    } else if (kind === SASL_CONTINUE && scram !== undefined) {
      connection.write(packet("p", Buffer.from(scram.final(body.toString("utf8", 4)))));
    }
  }
  connection.write(packet("X", Buffer.alloc(0)));
};

function scramOf(login: ProbeLogin | undefined): ReturnType<typeof scramClient> {
  if (login === undefined) throw new CliError("the session asks for a password that it has not told");
  return scramClient(login.username, login.password, randomBytes(NONCE_BYTES).toString("base64"));
}

function startup(user: string): Buffer {
  const version = Buffer.alloc(4);
  version.writeUInt32BE(PROTOCOL_3_0);
  return packet("", Buffer.concat([version, Buffer.from(`user\0${user}\0\0`)]));
}

function saslInitialResponse(first: string): Buffer {
  const length = Buffer.alloc(4);
  length.writeUInt32BE(Buffer.byteLength(first));
  return packet("p", Buffer.concat([Buffer.from(`${MECHANISM}\0`), length, Buffer.from(first)]));
}

function packet(type: string, body: Buffer): Buffer {
  const length = Buffer.alloc(4);
  length.writeUInt32BE(body.length + 4);
  return Buffer.concat([Buffer.from(type), length, body]);
}

const message: Parse<Message> = (bytes) => {
  if (bytes.length < 5) return undefined;
  const length = bytes.readUInt32BE(1) + 1;
  if (length < 5) throw new CliError("the answer is not PostgreSQL's");
  if (bytes.length < length) return undefined;
  const body = bytes.subarray(5, length);
  const type = bytes.toString("latin1", 0, 1);
  if (type === "R" && body.length < 4) throw new CliError("the answer is not PostgreSQL's");
  return { value: { type, body }, length };
};

/** Its field `M`, the sentence for people. */
function errorText(body: Buffer): string {
  const fields = body.toString("utf8").split("\0");
  return fields.find((field) => field.startsWith("M"))?.slice(1) ?? "the server refused";
}
