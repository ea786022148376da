import { createHash } from "node:crypto";
import { serialize } from "pg-protocol";
import { BodyReader } from "./body-reader.js";

/** PasswordMessage: the answer to a request for the password in the clear, or hashed. */
export function passwordMessage(password: string): Buffer {
  return serialize.password(password);
}

/** `concat('md5', md5(concat(md5(concat(password, username)), random-salt)))` of the documentation's "Message Flow". */
export function md5Response(user: string, password: string, salt: Buffer): string {
  const md5 = (...parts: readonly (string | Buffer)[]): string =>
    createHash("md5")
      .update(Buffer.concat(parts.map((part) => Buffer.from(part))))
      .digest("hex");
  return `md5${md5(md5(password, user), salt)}`;
}

export function saslInitialResponse(mechanism: string, data: Buffer): Buffer {
  return serialize.sendSASLInitialResponseMessage(mechanism, data.toString());
}

export function saslResponse(data: Buffer): Buffer {
  return serialize.sendSCRAMClientFinalMessage(data.toString());
}

export interface SaslInitialResponse {
  readonly mechanism: string;
  readonly data: Buffer;
}

/** @throws ProtocolViolation, also for one without data, which SCRAM always has */
export function readSaslInitialResponse(body: Buffer): SaslInitialResponse {
  const reader = new BodyReader(body);
  const mechanism = reader.cstring().toString("latin1");
  const data = reader.bytes(reader.int32());
  reader.assertEnd();
  return { mechanism, data };
}
