/** Messages of SASL mechanisms before their encoding in Base64. */

/** The user name and password that a PLAIN message carries. */
export interface PlainMessage {
  /** Whom to act as; empty for whom the password is of. */
  readonly authorizationId: string;
  readonly username: string;
  readonly password: string;
}

/** RFC 4616 §2. Neither may hold a NUL. */
export function plainMessage(username: string, password: string): Buffer {
  return Buffer.from(`\0${username}\0${password}`);
}

/** Undefined if it is not of the form of RFC 4616 §2; anything may be empty. */
export function parsePlainMessage(message: Buffer): PlainMessage | undefined {
  const [authorizationId, username, password, ...more] = message.toString("utf8").split("\0");
  if (authorizationId === undefined || username === undefined || password === undefined || more.length > 0)
    return undefined;
  return { authorizationId, username, password };
}

/** Google's document of XOAUTH2, "The SASL XOAUTH2 Mechanism". */
export function xoauth2Message(username: string, token: string): Buffer {
  return Buffer.from(`user=${username}\x01auth=Bearer ${token}\x01\x01`);
}

/** RFC 7628 §3.1, with the header of RFC 5801 §4: no channel binding. */
export function oauthBearerMessage(
  username: string,
  token: string,
  server: { readonly host: string; readonly port: number },
): Buffer {
  const name = username.replaceAll("=", "=3D").replaceAll(",", "=2C");
  return Buffer.from(
    `n,a=${name},\x01host=${server.host}\x01port=${server.port}\x01auth=Bearer ${token}\x01\x01`,
  );
}

/** RFC 7628 §3.2.3: what a client answers to the server's description of an error. */
export const OAUTHBEARER_ERROR_ANSWER = Buffer.from("\x01");

/** What can stand in both messages as a token (RFC 6750 §2.1 allows less): printable ASCII, which ends no field. */
const TOKEN = /^[\x21-\x7e]+$/;

export function isSendableToken(token: string): boolean {
  return TOKEN.test(token);
}

const BASE64 = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/;

/** Undefined if it is not Base64 with padding and nothing else in it (RFC 4648 §3, §4). */
export function decodeBase64(text: string): Buffer | undefined {
  return BASE64.test(text) ? Buffer.from(text, "base64") : undefined;
}
