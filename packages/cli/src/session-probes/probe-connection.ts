import { connect } from "node:net";

import { CliError } from "../failures.js";

/** Bytes that may wait to be read: far above any greeting. */
const MAX_WAITING = 64 * 1024;
/** The vault gives up within a minute at the latest, and says why. */
const DEADLINE_MS = 65_000;

/** What stands at the beginning of `bytes`; undefined if more must come. */
export type Parse<T> = (bytes: Buffer) => { readonly value: T; readonly length: number } | undefined;

/** A connection to the port of a session. */
export interface ProbeConnection {
  write(data: string | Buffer): void;
  /** @throws CliError if nothing more comes */
  read<T>(parse: Parse<T>): Promise<T>;
}

/** What a session was opened with. */
export interface ProbeLogin {
  readonly username: string;
  readonly password: string;
}

/**
 * Logs in through the session. Resolves when the server has let it in.
 * @param login undefined if any will do
 * @throws CliError with what the vault, or the server, says in the protocol
 */
export type SessionProbe = (connection: ProbeConnection, login: ProbeLogin | undefined) => Promise<void>;

/** @param addr `host:port` */
export async function connectProbe(
  addr: string,
  use: (connection: ProbeConnection) => Promise<void>,
  deadlineMs = DEADLINE_MS,
): Promise<void> {
  const colon = addr.lastIndexOf(":");
  const host = addr.slice(0, colon).replace(/^\[(.*)\]$/, "$1");
  const socket = connect({ host, port: Number(addr.slice(colon + 1)) });
  const timer = setTimeout(() => socket.destroy(new CliError("no answer came in time")), deadlineMs);
  const chunks = socket.iterator({ destroyOnReturn: false }) as AsyncIterator<Buffer, undefined>;
  let waiting = Buffer.alloc(0);
  try {
    await use({
      write: (data) => void socket.write(data),
      async read(parse) {
        for (;;) {
          const parsed = parse(waiting);
          if (parsed !== undefined) {
            waiting = waiting.subarray(parsed.length);
            return parsed.value;
          }
          if (waiting.length > MAX_WAITING) throw new CliError("more came than an answer to a log-in has");
          const next = await chunks.next();
          if (next.done === true) throw new CliError("the connection was closed without an answer");
          waiting = Buffer.concat([waiting, next.value]);
        }
      },
    });
  } catch (error) {
    if (error instanceof CliError) throw error;
    throw new CliError(`cannot connect to ${addr}`, "sessions listen on the machine that the vault runs on");
  } finally {
    clearTimeout(timer);
    socket.on("error", () => undefined).end();
    socket.destroySoon();
  }
}

/** One line, without its end. */
export const line: Parse<string> = (bytes) => {
  const end = bytes.indexOf("\n");
  if (end === -1) return undefined;
  return { value: bytes.toString("utf8", 0, end).replace(/\r$/, ""), length: end + 1 };
};
