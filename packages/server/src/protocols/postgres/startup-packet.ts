import { ProtocolViolation } from "../../wire/protocol-violation.js";
import type { Parsed } from "../../wire/wire-socket.js";
import { BodyReader } from "./body-reader.js";
import { POSTGRES_LIMITS } from "./limits.js";
import { cstring, int32 } from "./message.js";

/** The codes in the place of a version: 1234 in the upper half, which no version has. */
const CANCEL_REQUEST = 80_877_102;
const SSL_REQUEST_CODE = 80_877_103;
const GSSENC_REQUEST = 80_877_104;

const MAJOR_VERSION = 3;
const HEADER_BYTES = 8;
/** ContentType handshake and the major version of every TLS record (RFC 8446 §5.1). */
const TLS_RECORD = Buffer.of(0x16, 0x03);

/** Names and values have no encoding yet: the client's is among them. */
export interface StartupParameter {
  /** In latin1: one character a byte. */
  readonly name: string;
  readonly value: Buffer;
}

export interface StartupMessage {
  /** The 2 of protocol 3.2. */
  readonly minorVersion: number;
  readonly parameters: readonly StartupParameter[];
}

export interface CancelRequest {
  readonly processId: number;
  readonly key: Buffer;
}

/** What a client may begin with (PostgreSQL documentation, "Message Formats"). */
export type StartupPacket =
  | { readonly kind: "encryption_request" }
  | ({ readonly kind: "cancel" } & CancelRequest)
  | ({ readonly kind: "startup" } & StartupMessage)
  | { readonly kind: "other_version" }
  | { readonly kind: "tls" };

/**
 * Finds what a client begins with.
 * @throws ProtocolViolation for what no client of PostgreSQL sends
 */
export function parseStartupPacket(bytes: Buffer): Parsed<StartupPacket> | undefined {
  if (bytes.length >= TLS_RECORD.length && bytes.subarray(0, TLS_RECORD.length).equals(TLS_RECORD))
    return { value: { kind: "tls" }, length: TLS_RECORD.length };
  if (bytes.length < 4) return undefined;
  const length = bytes.readUInt32BE();
  if (length < HEADER_BYTES || length > POSTGRES_LIMITS.startupPacketBytes)
    throw new ProtocolViolation("a start-up packet has an impossible length");
  if (bytes.length < length) return undefined;
  const code = bytes.readUInt32BE(4);
  return { value: readPacket(code, new BodyReader(bytes.subarray(HEADER_BYTES, length))), length };
}

function readPacket(code: number, body: BodyReader): StartupPacket {
  switch (code) {
    case SSL_REQUEST_CODE:
    case GSSENC_REQUEST:
      body.assertEnd();
      return { kind: "encryption_request" };
    case CANCEL_REQUEST: {
      const processId = body.uint32();
      if (body.remaining === 0 || body.remaining > POSTGRES_LIMITS.cancelKeyBytes)
        throw new ProtocolViolation("a CancelRequest's key has an impossible length");
      return { kind: "cancel", processId, key: body.rest() };
    }
    default:
      if (code >>> 16 !== MAJOR_VERSION) return { kind: "other_version" };
      return { kind: "startup", minorVersion: code & 0xffff, parameters: readParameters(body) };
  }
}

function readParameters(body: BodyReader): StartupParameter[] {
  const parameters: StartupParameter[] = [];
  for (;;) {
    const name = body.cstring().toString("latin1");
    if (name === "") break;
    parameters.push({ name, value: body.cstring() });
  }
  body.assertEnd();
  return parameters;
}

export const SSL_REQUEST = packet(int32(SSL_REQUEST_CODE));

export function startupMessage({ minorVersion, parameters }: StartupMessage): Buffer {
  return packet(
    int32(MAJOR_VERSION * 0x1_0000 + minorVersion),
    ...parameters.flatMap(({ name, value }) => [cstring(Buffer.from(name, "latin1")), cstring(value)]),
    Buffer.of(0),
  );
}

export function cancelRequest({ processId, key }: CancelRequest): Buffer {
  return packet(int32(CANCEL_REQUEST), int32(processId), key);
}

function packet(...parts: readonly Buffer[]): Buffer {
  const content = Buffer.concat(parts);
  return Buffer.concat([int32(4 + content.length), content]);
}
