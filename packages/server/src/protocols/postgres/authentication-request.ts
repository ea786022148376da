import { ProtocolViolation } from "../../wire/protocol-violation.js";
import { BodyReader } from "./body-reader.js";
import { cstring, int32, message } from "./message.js";

const OK = 0;
const CLEARTEXT_PASSWORD = 3;
const MD5_PASSWORD = 5;
const SASL = 10;
const SASL_CONTINUE = 11;
const SASL_FINAL = 12;
const MD5_SALT_BYTES = 4;

/** Ways to log in for which a password is of no use. */
const UNSUPPORTED: ReadonlyMap<number, string> = new Map([
  [2, "Kerberos"],
  [6, "SCM credentials"],
  [7, "GSSAPI"],
  [8, "GSSAPI"],
  [9, "SSPI"],
]);

/** The messages of type R (PostgreSQL documentation, "Message Formats", Authentication…). */
export type AuthenticationRequest =
  | { readonly kind: "ok" }
  | { readonly kind: "cleartext" }
  | { readonly kind: "md5"; readonly salt: Buffer }
  | { readonly kind: "sasl"; readonly mechanisms: readonly string[] }
  | { readonly kind: "sasl_continue"; readonly data: Buffer }
  | { readonly kind: "sasl_final"; readonly data: Buffer }
  /** `name` is one of ours. */
  | { readonly kind: "unsupported"; readonly name: string };

/** @throws ProtocolViolation */
export function readAuthenticationRequest(body: Buffer): AuthenticationRequest {
  const reader = new BodyReader(body);
  const request = read(reader.int32(), reader);
  reader.assertEnd();
  return request;
}

function read(code: number, reader: BodyReader): AuthenticationRequest {
  switch (code) {
    case OK:
      return { kind: "ok" };
    case CLEARTEXT_PASSWORD:
      return { kind: "cleartext" };
    case MD5_PASSWORD:
      return { kind: "md5", salt: reader.bytes(MD5_SALT_BYTES) };
    case SASL:
      return { kind: "sasl", mechanisms: readMechanisms(reader) };
    case SASL_CONTINUE:
      return { kind: "sasl_continue", data: reader.rest() };
    case SASL_FINAL:
      return { kind: "sasl_final", data: reader.rest() };
    default: {
      const name = UNSUPPORTED.get(code);
      if (name === undefined) throw new ProtocolViolation("an unknown way to log in is asked for");
      reader.rest();
      return { kind: "unsupported", name };
    }
  }
}

function readMechanisms(reader: BodyReader): string[] {
  const mechanisms: string[] = [];
  for (;;) {
    const mechanism = reader.cstring().toString("latin1");
    if (mechanism === "") return mechanisms;
    mechanisms.push(mechanism);
  }
}

const request = (code: number, ...body: readonly Buffer[]): Buffer => message("R", int32(code), ...body);

export const AUTHENTICATION_OK = request(OK);

export function authenticationSasl(mechanisms: readonly string[]): Buffer {
  return request(SASL, ...mechanisms.map(cstring), Buffer.of(0));
}

export function authenticationSaslContinue(data: Buffer): Buffer {
  return request(SASL_CONTINUE, data);
}

export function authenticationSaslFinal(data: Buffer): Buffer {
  return request(SASL_FINAL, data);
}
