import { connect, type Socket } from "node:net";
import { methodsOf, OK, TOKEN, type Caller, type ConformanceCase, type Seen } from "./conformance-case.js";
import { readAnswers, statusOf } from "./http-messages.js";
import type { Intermediary } from "./intermediaries.js";
import type { UpstreamScript } from "./scripted-upstream.js";

/** More than any of the intermediaries waits for a silent side. */
const PATIENCE_MS = 8000;

/** Plays one case against one intermediary. */
export async function runCase(intermediary: Intermediary, played: ConformanceCase): Promise<Seen> {
  const { upstream } = intermediary;
  upstream.play(scriptOf(played));
  const socket = connect({ port: intermediary.port, host: "127.0.0.1", noDelay: true });
  let text = "";
  const connection: { ending: Seen["ending"] } = { ending: "open" };
  socket.on("data", (chunk) => (text += chunk.toString("latin1")));
  socket.prependListener("end", () => (connection.ending = hasPeer(socket) ? "closed" : "reset"));
  const closed = new Promise<void>((resolve) => {
    socket.on("close", () => resolve());
    socket.on("error", () => {
      // What was received before counts; a write that fails because the other side has closed is no reset.
      if (connection.ending === "open") connection.ending = "reset";
    });
  });
  const wait = (milliseconds: number): Promise<void> =>
    new Promise((resolve) => setTimeout(resolve, milliseconds));
  const caller: Caller = {
    socket,
    wait,
    write(bytes) {
      if (socket.writable) socket.write(Buffer.from(bytes.replaceAll(TOKEN, intermediary.token), "latin1"));
    },
    async receive(pattern) {
      for (let waited = 0; !pattern.test(text) && waited < 3000 && !socket.closed; waited += 5) await wait(5);
    },
  };
  await send(caller, played.send);
  const timer = setTimeout(() => socket.destroy(), PATIENCE_MS);
  await closed;
  clearTimeout(timer);
  // The upstream hears of an end a moment later than the caller does.
  await wait(5);
  const answers = readAnswers(text, methodsOf(played), connection.ending === "closed");
  const seen: Seen = {
    intermediary: intermediary.name,
    text,
    interim: answers.filter((answer) => statusOf(answer) < 200 && answer.startLine !== "?"),
    answers: answers.filter((answer) => statusOf(answer) >= 200 || answer.startLine === "?"),
    requests: upstream.requests(),
    connections: upstream.connections(),
    ending: connection.ending,
  };
  upstream.play({});
  return seen;
}

/** Node tells a reset that comes along with the last bytes as an end, but a connection that was reset has no peer. */
function hasPeer(socket: Socket): boolean {
  const { _handle: handle } = socket as { _handle?: { getpeername: (address: object) => number } | null };
  return handle?.getpeername({}) === 0;
}

async function send(caller: Caller, what: ConformanceCase["send"]): Promise<void> {
  if (typeof what === "function") return what(caller);
  for (const step of typeof what === "string" ? [what] : what) {
    if (typeof step === "string") caller.write(step);
    else await caller.wait(step);
  }
}

function scriptOf({ upstream = OK }: ConformanceCase): UpstreamScript {
  if (typeof upstream !== "string") return upstream;
  return { onRequest: (socket) => socket.write(Buffer.from(upstream, "latin1")) };
}
