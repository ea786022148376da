import {
  answer,
  callerGot,
  keptRequest,
  lookAtBoth,
  OK,
  post,
  request,
  upstreamGot,
  type ConformanceCase,
  type Seen,
} from "../conformance-case.js";
import type { Message } from "../http-messages.js";
import type { UpstreamScript } from "../scripted-upstream.js";

const CHUNKED = "Transfer-Encoding: chunked";
const MEGABYTES = 2 * 1024 * 1024;
/** Every byte differs from its neighbours, so that none can be lost, doubled or swapped unseen. */
const large = (): string =>
  Buffer.from(
    Uint8Array.from({ length: MEGABYTES }, (_, index) => (index * 31 + (index >> 8)) & 0xff),
  ).toString("latin1");

/** Answers with the request's own path, the earlier ones later. */
const echoPaths: UpstreamScript = {
  onRequest(socket, { startLine }, count) {
    const path = /\/(\w+) HTTP/.exec(startLine)?.[1] ?? "";
    const isHead = startLine.startsWith("HEAD");
    setTimeout(
      () => socket.write(answer([`Content-Length: ${path.length}`], isHead ? "" : path)),
      Math.max(0, 60 - count * 15),
    );
  },
};

const bodies = (answers: readonly Message[]): string[] => answers.map(({ body }) => body);

/** First a request that leaves the upstream's connection kept alive, then, a moment later, another. */
const afterAnother =
  (second: string): ConformanceCase["send"] =>
  async ({ write, receive, wait }) => {
    write(keptRequest("GET /first"));
    await receive(/ok$/);
    await wait(60);
    write(second);
  };

/** Answers the first request, and closes the connection when a second one comes on it. */
const closesWhenUsedAgain = (how: "end" | "reset"): UpstreamScript => {
  const used = new WeakSet<object>();
  return {
    onHead(socket) {
      if (!used.has(socket)) {
        used.add(socket);
        socket.write(OK);
      } else if (how === "end") {
        socket.end();
      } else {
        socket.resetAndDestroy();
      }
    },
  };
};

const whatArrived = (seen: Seen) => ({ ...lookAtBoth(seen), connections: seen.connections });

export const connectionCases: readonly ConformanceCase[] = [
  {
    rule: "RFC 9112 §9.3.2",
    name: "pipelined requests are answered in order",
    send: ["a", "b", "c"].map((path) => keptRequest(`GET /${path}`)).join("") + request("GET /d"),
    methods: ["GET", "GET", "GET", "GET"],
    upstream: echoPaths,
    look: ({ answers }) => ({ bodies: bodies(answers) }),
    vault: { bodies: ["a", "b", "c", "d"] },
  },
  {
    rule: "RFC 9112 §9.3.2",
    name: "pipelined requests of mixed methods, refused ones among them, are answered in order",
    send:
      keptRequest("POST /a", ["Content-Length: 5"], "hello") +
      keptRequest("HEAD /bb") +
      keptRequest("TRACE /c") +
      keptRequest("POST /d", [CHUNKED], "5\r\nhello\r\n0\r\n\r\n") +
      request("GET /e"),
    methods: ["POST", "HEAD", "TRACE", "POST", "GET"],
    upstream: echoPaths,
    look: (seen) => ({ ...lookAtBoth(seen) }),
    vault: { caller: "200 + 200 + 405 + 200 + 200", upstream: "4 requests" },
  },
  {
    rule: "RFC 9112 §9.3.2",
    name: "garbage behind a pipelined request puts nothing in front of its answer",
    send: keptRequest("GET /a") + "nonsense\r\n\r\n",
    methods: ["GET", "GET"],
    upstream: echoPaths,
    look: (seen) => ({
      "first answer is another's": seen.answers.length > 0 && callerGot(seen).startsWith("400"),
      "two answers in one": seen.answers.some(({ body }) => body.includes("HTTP/1.1")),
    }),
    vault: { "first answer is another's": false, "two answers in one": false },
  },
  {
    rule: "RFC 9112 §9.3",
    name: "both connections are kept and used again",
    send: afterAnother(request("GET /second")),
    methods: ["GET", "GET"],
    look: whatArrived,
    vault: { caller: "200 + 200", upstream: "2 requests", connections: 1 },
  },
  {
    rule: "RFC 9110 §15.2.1",
    name: "100 Continue before each answer leaves the connections usable",
    send: afterAnother(request("GET /second")),
    methods: ["GET", "GET"],
    upstream: `HTTP/1.1 100 Continue\r\n\r\n${OK}`,
    look: whatArrived,
    vault: { caller: "200 + 200", upstream: "2 requests", connections: 1 },
  },
  {
    rule: "RFC 9112 §6.1",
    name: "a connection on which a caller of HTTP/1.0 sent chunks is closed",
    send: keptRequest("POST /x", ["Connection: keep-alive", CHUNKED], "5\r\nhello\r\n0\r\n\r\n").replace(
      "HTTP/1.1",
      "HTTP/1.0",
    ),
    look: ({ ending }) => ({ closed: ending !== "open" }),
    vault: { closed: true },
  },
  {
    rule: "RFC 9112 §9.3",
    name: "an upstream that says close gets a new connection",
    send: afterAnother(request("GET /second")),
    methods: ["GET", "GET"],
    upstream: answer(["Content-Length: 2", "Connection: close"], "ok"),
    look: whatArrived,
    vault: { caller: "200 + 200", upstream: "2 requests", connections: 2 },
  },
  {
    rule: "RFC 9112 §9.3",
    name: "a kept connection that the upstream closed meanwhile is not used again",
    send: afterAnother(request("POST /second", ["Content-Length: 5"], "hello")),
    methods: ["GET", "POST"],
    upstream: { onRequest: (socket) => socket.write(OK, () => setTimeout(() => socket.end(), 20)) },
    look: whatArrived,
    vault: { caller: "200 + 200", upstream: "2 requests", connections: 2 },
  },
  ...(["end", "reset"] as const).flatMap((how): ConformanceCase[] => [
    {
      rule: "RFC 9110 §9.2.2",
      name: `a GET on a kept connection that the upstream closes then (${how}) is tried once more`,
      send: afterAnother(request("GET /second")),
      methods: ["GET", "GET"],
      upstream: closesWhenUsedAgain(how),
      look: whatArrived,
      vault: { caller: "200 + 200", upstream: "3 requests", connections: 2 },
    },
    {
      rule: "RFC 9110 §9.2.2",
      name: `a POST on a kept connection that the upstream closes then (${how}) is sent once`,
      send: afterAnother(request("POST /second", ["Content-Length: 5"], "hello")),
      methods: ["GET", "POST"],
      upstream: closesWhenUsedAgain(how),
      look: ({ requests, answers, connections }) => ({
        posts: requests.filter(({ startLine }) => startLine.startsWith("POST")).length,
        connections,
        answers: answers.length,
      }),
      vault: { posts: 1, connections: 1, answers: 2 },
    },
  ]),
  {
    rule: "RFC 9112 §9.3",
    name: "bytes behind an answer are no answer to the next request",
    send: afterAnother(request("GET /second")),
    methods: ["GET", "GET"],
    upstream: {
      onRequest: (socket, { startLine }) =>
        socket.write(startLine.includes("first") ? OK + answer(["Content-Length: 4"], "evil") : OK),
    },
    look: ({ answers }) => ({ bodies: bodies(answers) }),
    vault: { bodies: ["ok", "ok"] },
  },
  {
    rule: "RFC 9112 §9.3",
    name: "an answer before the whole of the request reaches the caller",
    send: async ({ socket, write, receive }) => {
      write(post("", `Content-Length: ${MEGABYTES}`));
      write("x".repeat(100_000));
      await receive(/too much$/);
      socket.destroy();
    },
    methods: ["POST"],
    upstream: {
      onHead: (socket) => socket.write(answer(["Content-Length: 8"], "too much", "HTTP/1.1 413 Too Large")),
    },
    look: ({ answers }) => ({ status: answers[0]?.startLine ?? "", body: answers[0]?.body ?? "" }),
    vault: { status: "HTTP/1.1 413 Too Large", body: "too much" },
  },
  {
    rule: "RFC 9112 §9.6",
    name: "an answer before the whole of the request reaches a caller that sends on",
    send: async ({ write, wait }) => {
      write(post("", `Content-Length: ${MEGABYTES}`));
      for (let sent = 0; sent < MEGABYTES; sent += MEGABYTES / 32) {
        write("x".repeat(MEGABYTES / 32));
        await wait(5);
      }
    },
    methods: ["POST"],
    upstream: {
      onHead: (socket) => {
        socket.write(
          answer(["Content-Length: 8", "Connection: close"], "too much", "HTTP/1.1 413 Too Large"),
        );
      },
    },
    look: ({ answers }) => ({ status: answers[0]?.startLine ?? "", body: answers[0]?.body ?? "" }),
    vault: { status: "HTTP/1.1 413 Too Large", body: "too much" },
  },
  {
    rule: "RFC 9112 §6",
    name: "a slow reader gets every byte",
    send: async ({ socket, write, wait }) => {
      write(request("GET /x"));
      socket.pause();
      for (let round = 0; round < 20; round += 1) {
        await wait(15);
        socket.resume();
        await wait(1);
        socket.pause();
      }
      socket.resume();
    },
    upstream: {
      onRequest: (socket) =>
        socket.write(
          Buffer.from(answer(["Content-Type: image/x", `Content-Length: ${MEGABYTES}`], large()), "latin1"),
        ),
    },
    look: (seen) => ({ caller: callerGot(seen), intact: seen.answers[0]?.body === large() }),
    vault: { caller: "200", intact: true },
  },
  {
    rule: "RFC 9112 §6",
    name: "a slow writer's bytes arrive as sent, at a slow upstream",
    send: async ({ write, wait }) => {
      write(post("", `Content-Length: ${MEGABYTES}`));
      const body = large();
      for (let sent = 0; sent < MEGABYTES; sent += MEGABYTES / 16) {
        write(body.slice(sent, sent + MEGABYTES / 16));
        await wait(15);
      }
    },
    methods: ["POST"],
    upstream: {
      onHead(socket) {
        socket.pause();
        setTimeout(() => socket.resume(), 200);
      },
      onRequest: (socket) => socket.write(OK),
    },
    look: (seen) => ({ ...lookAtBoth(seen), intact: seen.requests[0]?.body === large() }),
    vault: { caller: "200", upstream: "1 request", intact: true },
  },
  {
    rule: "RFC 9112 §6",
    name: "a body that comes byte by byte arrives whole, chunk by chunk",
    send: [post("", CHUNKED), ..."5\r\nhello\r\n0\r\n\r\n".split(/(?:)/).flatMap((byte) => [3, byte])],
    look: (seen) => ({ upstream: upstreamGot(seen), body: seen.requests[0]?.body ?? "" }),
    vault: { upstream: "1 request", body: "hello" },
  },
];
