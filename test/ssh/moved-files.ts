import { randomBytes } from "node:crypto";
import { connect, type Socket } from "node:net";
import { call, type Answered } from "../live/vault-calls.js";
import type { SshVault } from "./ssh-vault.js";

const BOUNDARY = "moved-files-boundary";

/** One part of a form: text, or a file if it has bytes. */
export type SentField = readonly [name: string, value: string | Buffer];

/** A multipart/form-data body (RFC 7578). */
export function formOf(fields: readonly SentField[]): { type: string; body: Buffer } {
  const parts = fields.map(([name, value]) =>
    Buffer.concat([
      Buffer.from(`--${BOUNDARY}\r\nContent-Disposition: form-data; name="${name}"`),
      Buffer.from(typeof value === "string" ? "\r\n\r\n" : '; filename="f"\r\nContent-Type: x/y\r\n\r\n'),
      Buffer.from(value),
      Buffer.from("\r\n"),
    ]),
  );
  return {
    type: `multipart/form-data; boundary=${BOUNDARY}`,
    body: Buffer.concat([...parts, Buffer.from(`--${BOUNDARY}--\r\n`)]),
  };
}

export interface UploadCall {
  readonly token?: string;
  readonly mode?: string;
  readonly headers?: Readonly<Record<string, string>>;
}

export function sendForm(
  vault: SshVault,
  service: string,
  fields: readonly SentField[],
  { token = vault.token, headers = {} }: UploadCall = {},
): Promise<Answered> {
  const { type, body } = formOf(fields);
  return call(vault.server.address, "POST", `/ssh/${service}/upload`, {
    token,
    headers: { "Content-Type": type, "Content-Length": String(body.length), ...headers },
    body,
  });
}

export function upload(
  vault: SshVault,
  service: string,
  remotePath: string,
  content: string | Buffer,
  options: UploadCall = {},
): Promise<Answered> {
  const fields: SentField[] = [["remote_path", remotePath]];
  if (options.mode !== undefined) fields.push(["mode", options.mode]);
  return sendForm(vault, service, [...fields, ["file", Buffer.from(content)]], options);
}

/** An upload whose sender stops in the middle of the file. */
export interface StalledUpload {
  readonly socket: Socket;
  /** What was answered, at the connection's end. */
  readonly answer: Promise<string>;
  /** Sends what is missing. */
  finish(): void;
}

export function stallUpload(
  vault: SshVault,
  service: string,
  remotePath: string,
  sentBytes: number,
  token = vault.token,
): StalledUpload {
  const { type, body } = formOf([
    ["remote_path", remotePath],
    ["file", randomBytes(sentBytes + 100_000)],
  ]);
  const { hostname, port } = new URL(vault.server.address);
  const socket = connect(Number(port), hostname);
  const begun = body.length - 100_000;
  socket.write(
    `POST /ssh/${service}/upload HTTP/1.1\r\nHost: ${hostname}:${port}\r\nAuthorization: Bearer ${token}\r\n` +
      `Content-Type: ${type}\r\nContent-Length: ${body.length}\r\nConnection: close\r\n\r\n`,
  );
  socket.write(body.subarray(0, begun));
  let received = "";
  const answer = new Promise<string>((resolve) => {
    socket.on("data", (chunk: Buffer) => (received += chunk.toString()));
    socket.on("error", () => undefined);
    socket.on("close", () => resolve(received));
  });
  return { socket, answer, finish: () => void socket.write(body.subarray(begun)) };
}
