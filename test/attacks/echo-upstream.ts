import { createServer, type AddressInfo, type Socket } from "node:net";
import { setImmediate as nextTurn } from "node:timers/promises";
import { wait } from "../live/raw-sockets.js";
import type { EchoAnswer, Received } from "./echo-form.js";
import { ECHO_FORMS } from "./echo-forms.js";

/** An upstream that answers with what it received. The query's `form` and `call` say how, and for whom. */
export interface EchoUpstream {
  readonly origin: string;
  /** What was answered to a call, by its number. */
  readonly answers: ReadonlyMap<string, EchoAnswer>;
  /** The heads of all requests. */
  readonly heads: readonly string[];
  close(): Promise<void>;
}

export async function startEchoUpstream(secrets: readonly string[]): Promise<EchoUpstream> {
  const answers = new Map<string, EchoAnswer>();
  const heads: string[] = [];
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket.setNoDelay(true));
    socket.on("error", () => undefined).on("close", () => sockets.delete(socket));
    let text = "";
    socket.on("data", (chunk) => {
      text += chunk.toString("latin1");
      const end = text.indexOf("\r\n\r\n");
      if (end < 0) return;
      const head = text.slice(0, end);
      text = "";
      heads.push(head);
      const received = read(head, secrets);
      const [, form = "", call = ""] = /[?&]form=(\d+)&call=(\d+)/.exec(received.target) ?? [];
      const answer = ECHO_FORMS[Number(form)]!.answer(received);
      answers.set(call, answer);
      void write(socket, answer);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    origin: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    answers,
    heads,
    async close() {
      const closed = new Promise((resolve) => server.close(resolve));
      for (const socket of sockets) socket.destroy();
      await closed;
    },
  };
}

/** Finds the credential where services carry one: in a field, the query, or the path. */
function read(head: string, secrets: readonly string[]): Received {
  const target = head.split(" ")[1] ?? "";
  const sent = [
    ...[...head.matchAll(/^(?:authorization: (?:bearer|basic) |x-echo-key[^:]*: )(.*)$/gim)].map(
      ([, value]) => value,
    ),
    ...[...target.matchAll(/[?&]key[^=]*=([^&]*)/g)].map(([, value]) => value),
    ...[...target.matchAll(/\/bot([^/]*)\//g)].map(([, token]) => token),
  ]
    .filter((value) => value !== undefined)
    // Padding says nothing but a length modulo three.
    .map((value) => (/^authorization: basic /im.test(head) ? value.replace(/=+$/, "") : value));
  const known = secrets.filter((secret) => sent.some((value) => isFormOf(value, secret)));
  const needles = [...new Set([...sent, ...known])].sort((a, b) => b.length - a.length);
  return { target, head, needles };
}

function isFormOf(sent: string, secret: string): boolean {
  return [sent, decode(sent), Buffer.from(sent, "base64").toString()].some((text) => text.includes(secret));
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

async function write(socket: Socket, { writes, closes }: EchoAnswer): Promise<void> {
  for (const step of writes) {
    if (typeof step === "number") await wait(step);
    else socket.write(step);
    await nextTurn();
  }
  if (closes === true) socket.end();
}
