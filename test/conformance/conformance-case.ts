import type { Socket } from "node:net";
import { statusOf, type Message } from "./http-messages.js";
import type { IntermediaryName } from "./intermediaries.js";
import type { UpstreamScript } from "./scripted-upstream.js";

/** One rule of an intermediary: what is sent on both sides as bytes, and what must come of it. Text is Latin-1. */
export interface ConformanceCase {
  /** Where it is written. */
  readonly rule: string;
  readonly name: string;
  /** What the caller sends: text, pauses in milliseconds, or a function that sends. The token stands as {@link TOKEN}. */
  readonly send: string | readonly (string | number)[] | ((caller: Caller) => Promise<void>);
  /** Methods of the requests, where they are not that of the first alone. */
  readonly methods?: readonly string[];
  /** What the upstream answers to each whole request, or what else it does; `200` with `ok` by default. */
  readonly upstream?: string | UpstreamScript;
  readonly look: (seen: Seen) => Outcome;
  /** What must come of it at the vault, and at the controls where `differences` says nothing else. */
  readonly vault: Outcome;
}

export type Outcome = Readonly<Record<string, string | number | boolean | readonly string[]>>;

/** The caller's end of the connection. */
export interface Caller {
  readonly socket: Socket;
  readonly write: (text: string) => void;
  readonly wait: (milliseconds: number) => Promise<void>;
  /** Resolves when the text received so far matches; after 3 s all the same. */
  readonly receive: (pattern: RegExp) => Promise<void>;
}

export interface Seen {
  readonly intermediary: IntermediaryName;
  /** All that the caller received. */
  readonly text: string;
  readonly interim: readonly Message[];
  readonly answers: readonly Message[];
  /** What reached the upstream. */
  readonly requests: readonly Message[];
  /** Connections that the upstream got requests on. */
  readonly connections: number;
  /** How the caller's connection ended; `open` if it did not. */
  readonly ending: "closed" | "reset" | "open";
}

export const TOKEN = "@token@";

export const OK = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";

/** A request as bytes: `POST /x`, then fields. Ends the connection by default, so that its end can be waited for. */
export function request(methodAndPath: string, fields: readonly string[] = [], body = ""): string {
  return `${headOf(methodAndPath, ["Connection: close", ...fields])}${body}`;
}

/** A request that leaves the connection open. */
export function keptRequest(methodAndPath: string, fields: readonly string[] = [], body = ""): string {
  return `${headOf(methodAndPath, fields)}${body}`;
}

function headOf(methodAndPath: string, fields: readonly string[]): string {
  const [method = "", path = ""] = methodAndPath.split(" ");
  const lines = [`${method} /proxy/raw${path} HTTP/1.1`, "Host: localhost", `Authorization: Bearer ${TOKEN}`];
  return [...lines, ...fields, "", ""].join("\r\n");
}

export function post(body: string, ...fields: string[]): string {
  return request("POST /x", fields, body);
}

export function answer(fields: readonly string[], body = "", start = "HTTP/1.1 200 OK"): string {
  return [start, ...fields, "", ""].join("\r\n") + body;
}

/** Answers each request with bytes and closes the connection in good order, or resets it. */
export function thenClose(bytes: string, how: "end" | "reset" = "end"): UpstreamScript {
  return {
    onRequest(socket) {
      socket.write(Buffer.from(bytes, "latin1"));
      // The bytes must be there before a reset throws away what was not read.
      if (how === "end") socket.end();
      else setTimeout(() => socket.resetAndDestroy(), 50);
    },
  };
}

/** Writes pieces, with so many milliseconds between two, and closes. One timer after the other: many at once may change places. */
export function inPieces(pieces: readonly string[], milliseconds = 15): UpstreamScript {
  return {
    onRequest(socket) {
      const write = (index: number): void => {
        const piece = pieces[index];
        if (socket.destroyed) return;
        if (piece === undefined) {
          socket.end();
          return;
        }
        socket.write(Buffer.from(piece, "latin1"));
        setTimeout(write, milliseconds, index + 1);
      };
      write(0);
    },
  };
}

/** `400`, `200 cut off`, `200 + 404`, `no answer`: all final answers that the caller got. */
export function callerGot({ answers, ending }: Seen): string {
  const broken = ending === "open" ? " unfinished" : " cut off";
  if (answers.length === 0) return ending === "open" ? "no answer" : "a closed connection";
  return answers
    .map((each) => {
      if (each.startLine === "?") return "malformed";
      return `${statusOf(each)}${each.isWhole ? "" : broken}`;
    })
    .join(" + ");
}

/** `nothing`, `2 requests`, `1 request, cut off`, `1 request + something malformed`: all that reached the upstream. */
export function upstreamGot({ requests }: Seen): string {
  const whole = requests.filter((each) => each.isWhole).length;
  const broken = requests.find((each) => !each.isWhole);
  const rest =
    broken === undefined ? [] : [broken.startLine === "?" ? "something malformed" : "a cut-off request"];
  const counted = whole === 0 ? [] : [`${whole} ${whole === 1 ? "request" : "requests"}`];
  return [...counted, ...rest].join(" + ") || "nothing";
}

/** What most cases about requests look at. */
export function lookAtBoth(seen: Seen): Outcome {
  return { caller: callerGot(seen), upstream: upstreamGot(seen) };
}

/** What most cases about answers look at. */
export function lookAtCaller(seen: Seen): Outcome {
  return { caller: callerGot(seen) };
}

/** The fields of a message that have one of these names, as `name: value`, in order. */
export function fieldsOf(message: Pick<Message, "fields"> | undefined, ...names: string[]): string[] {
  return rawFieldsOf(message, ...names).map((line) => line.replace(/^[^:]+/, (name) => name.toLowerCase()));
}

/** As {@link fieldsOf}, with the names in the letter case in which they came. */
export function rawFieldsOf(message: Pick<Message, "fields"> | undefined, ...names: string[]): string[] {
  return (message?.fields ?? [])
    .filter(([name]) => names.includes(name.toLowerCase()))
    .map(([name, value]) => `${name}: ${value}`);
}

export function methodsOf(conformanceCase: ConformanceCase): readonly string[] {
  if (conformanceCase.methods !== undefined) return conformanceCase.methods;
  const { send } = conformanceCase;
  const first = typeof send === "string" ? send : typeof send === "function" ? "" : send[0];
  return [/^[A-Z]+/.exec(String(first))?.[0] ?? "GET"];
}
