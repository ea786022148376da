import { createServer, type Server } from "node:http";
import { connect, type AddressInfo } from "node:net";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { startServer, temporaryDirectory, type RunningServer } from "../live/processes.js";
import { addService, call, makeToken, unlock } from "../live/vault-calls.js";

const KNOWN = "sk-proj-";
const SECRET = `${KNOWN}Zq8vT2mK4xR7nB1cW9sL5dF3`;
const LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
/** Nine characters are found for nothing, and one more with each of three strikes. */
const MOST_FOUND = 12;

let upstream: Server;
let directory: Awaited<ReturnType<typeof temporaryDirectory>>;
let server: RunningServer;
let admin: string;
let stored = "";

/** An honest upstream: it keeps a text and gives parts of it, and sends back what comes as it comes. */
beforeAll(async () => {
  upstream = createServer((request, response) => {
    response.setHeader("Content-Type", "text/plain");
    const [, from = "0", to = "0"] = /^bytes=(\d+)-(\d+)$/.exec(request.headers.range ?? "") ?? [];
    if (request.url === "/echo") {
      response.flushHeaders();
      request.pipe(response);
    } else if (request.headers.range === undefined) {
      response.end(stored);
    } else {
      response.writeHead(206, { "Content-Range": `bytes ${from}-${to}/${stored.length}` });
      response.end(stored.slice(Number(from), Number(to) + 1));
    }
  });
  await new Promise<void>((resolve) => upstream.listen(0, "127.0.0.1", resolve));
  directory = await temporaryDirectory();
  server = await startServer({ dataDir: directory.path });
  admin = await unlock(server);
  const base_url = `http://127.0.0.1:${(upstream.address() as AddressInfo).port}`;
  const auth = { type: "bearer", token: SECRET };
  for (const name of ["parts", "echo"]) {
    await addService(server, admin, { name, base_url, auth, allow_private: true });
  }
});

afterAll(async () => {
  await server.stop();
  upstream.closeAllConnections();
  await new Promise((resolve) => upstream.close(resolve));
  await directory.remove();
});

type Outcome = "wrong" | "right" | "suspended";

/** Finds a secret character by character as long as `probe` tells right guesses from wrong ones. */
async function recover(probe: (guess: string) => Promise<Outcome>): Promise<string> {
  let known = KNOWN;
  while (known.length < SECRET.length) {
    // Of the 64 that a guesser tries, one is right; two wrong ones stand for the others.
    const next = SECRET.charAt(known.length);
    const tried = [
      next,
      ...Array.from(LETTERS)
        .filter((letter) => letter !== next)
        .slice(0, 2),
    ];
    const outcomes: Outcome[] = [];
    for (const letter of tried) outcomes.push(await probe(known + letter));
    if (outcomes.join() !== "right,wrong,wrong" && outcomes.join() !== "right,suspended,suspended")
      return known;
    known += next;
  }
  return known;
}

describe("a secret is found out no further than a few characters", () => {
  test("by parts of a text that begin and end with a guess", async () => {
    const token = await makeToken(server, admin);
    const found = await recover(async (guess) => {
      stored = `text ${guess} text`;
      const headers = { range: `bytes=5-${4 + guess.length}` };
      const answer = await call(server.address, "GET", "/proxy/parts/x", { token, headers }).catch(
        () => undefined,
      );
      if (answer?.status === 403) return "suspended";
      return answer?.text === guess ? "wrong" : "right";
    });
    expect(found).toHaveLength(MOST_FOUND);
    expect(await call(server.address, "GET", "/proxy/parts/x", { token })).toMatchObject({
      ...{ status: 403, json: { code: "token_suspended" } },
    });
  });

  test("by another token either, which gets no parts of that service any more", async () => {
    const token = await makeToken(server, admin);
    stored = "0123456789";
    const answer = await call(server.address, "GET", "/proxy/parts/x", {
      token,
      headers: { range: "bytes=2-4" },
    });
    expect(answer).toMatchObject({ status: 200, text: stored });
  });

  test("by what an upstream sends back at once, and the vault holds back", async () => {
    const token = await makeToken(server, admin);
    const found = await recover((guess) => probeByEcho(token, guess));
    expect(found).toHaveLength(MOST_FOUND);
    expect(await call(server.address, "GET", "/proxy/echo/x", { token })).toMatchObject({ status: 403 });
  });
});

/** Sends a guess through a stream that sends it back, and leaves once it must have come. */
function probeByEcho(token: string, guess: string): Promise<Outcome> {
  return new Promise((resolve) => {
    const { hostname, port } = new URL(server.address);
    const socket = connect(Number(port), hostname);
    let received = "";
    let isSent = false;
    const finish = (outcome: Outcome): void => {
      socket.destroy();
      resolve(outcome);
    };
    const write = (text: string): boolean => socket.write(`${text.length.toString(16)}\r\n${text}\r\n`);
    socket.on("error", () => undefined).on("close", () => resolve("right"));
    socket.on("data", (bytes) => {
      received += bytes.toString("latin1");
      if (received.startsWith("HTTP/1.1 403 ")) finish("suspended");
      if (!isSent && received.includes("\r\n\r\n")) {
        isSent = true;
        received = "";
        write(`<${guess}`);
        setTimeout(() => finish("right"), 200);
      }
      if (isSent && received.includes(guess)) finish("wrong");
    });
    socket.write(
      `POST /proxy/echo/echo HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer ${token}\r\n` +
        "Content-Type: application/octet-stream\r\nTransfer-Encoding: chunked\r\n\r\n",
    );
    // The request goes out with the first of its body.
    write(".");
  });
}
