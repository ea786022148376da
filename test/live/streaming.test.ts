import { readFileSync } from "node:fs";
import { request as httpRequest, type IncomingMessage, type ServerResponse } from "node:http";
import { connect } from "node:net";
import { afterAll, beforeAll, expect, test } from "vitest";
import { startLiveVault, type LiveVault } from "./live-vault.js";
import type { RunningServer } from "./processes.js";
import { call, makeToken, open } from "./vault-calls.js";

const MEGABYTE = 1024 * 1024;
const PIECE = Buffer.alloc(64 * 1024, "x");
const LARGE = 100 * MEGABYTE;

let live: LiveVault;
let server: RunningServer;
let admin: string;
let token: string;

/** What the upstream saw last, for tests of aborts. */
const seen = { uploaded: 0, closedEarly: 0, sentEvents: [] as number[] };

function onRequest(request: IncomingMessage, response: ServerResponse): void {
  response.on("close", () => {
    if (!response.writableFinished) seen.closedEarly += 1;
  });
  request.on("error", () => undefined);
  const [path] = (request.url ?? "").split("?");
  if (path === "/download") {
    response.writeHead(200, { "Content-Length": LARGE });
    let left = LARGE;
    const pump = (): void => {
      while (left > 0) {
        left -= PIECE.length;
        if (!response.write(PIECE)) return void response.once("drain", pump);
      }
      response.end();
    };
    pump();
  } else if (path === "/upload") {
    seen.uploaded = 0;
    request.on("data", (chunk: Buffer) => (seen.uploaded += chunk.length));
    request.on("end", () => response.end(String(seen.uploaded)));
  } else if (path === "/events") {
    response.writeHead(200, { "Content-Type": "text/event-stream" });
    seen.sentEvents = [];
    const timer = setInterval(() => {
      seen.sentEvents.push(performance.now());
      response.write(`data: ${seen.sentEvents.length}\n\n`);
      if (seen.sentEvents.length === 10) {
        clearInterval(timer);
        response.end();
      }
    }, 60);
    response.on("close", () => clearInterval(timer));
  } else if (path === "/hang") {
    response.writeHead(200).write("first");
  } else if (path === "/head") {
    response.writeHead(200).flushHeaders();
  } else if (path === "/hints") {
    response.writeEarlyHints({ link: "</a.css>; rel=preload" });
    setTimeout(() => response.writeHead(201).end("after the hints"), 50);
  } else if (path === "/unread") {
    request.pause();
    // Without reading it does not see that the other side is gone.
    setTimeout(() => request.destroy(), 3000);
  } else if (path === "/silent") {
    request.resume();
  } else if (path === "/cut") {
    response.writeHead(200, { "Content-Length": 1000 }).write("only this");
    setTimeout(() => response.socket?.destroy(), 50);
  } else if (path === "/cut-chunked") {
    response.writeHead(200).write("only this");
    setTimeout(() => response.socket?.destroy(), 50);
  } else {
    request.resume().on("end", () => response.end("ok"));
  }
}

beforeAll(async () => {
  live = await startLiveVault({ onRequest });
  ({ server, admin, token } = live);
  const auth = { type: "bearer", token: "streaming-secret-0123456789" };
  await live.addService("api", auth, { max_request_bytes: 0 });
  await live.addService("small", auth, { max_request_bytes: 1000 });
  await live.addService("hasty", auth, { response_timeout: "300ms", idle_timeout: "300ms" });
});

afterAll(() => live.close());

/** Resident memory of the server process, in bytes. */
function residentMemory(): number {
  const status = readFileSync(`/proc/${server.pid}/status`, "utf8");
  return Number(/^VmRSS:\s+(\d+) kB/m.exec(status)?.[1]) * 1024;
}

/** Runs `act` and gives how far resident memory rose above where it was. */
async function memoryGrowth(act: () => Promise<void>): Promise<number> {
  // What the first calls cost once (compiled code, the trusted roots) is not what a large body costs.
  for (let warmUp = 0; warmUp < 30; warmUp += 1) await call(server.address, "GET", "/proxy/api/", { token });
  const before = residentMemory();
  let highest = before;
  const timer = setInterval(() => (highest = Math.max(highest, residentMemory())), 20);
  try {
    await act();
  } finally {
    clearInterval(timer);
  }
  return highest - before;
}

async function readToEnd(answer: IncomingMessage): Promise<number> {
  let bytes = 0;
  for await (const chunk of answer) bytes += (chunk as Buffer).length;
  return bytes;
}

async function eventually(condition: () => boolean): Promise<void> {
  const deadline = Date.now() + 5000;
  while (!condition()) {
    if (Date.now() > deadline) throw new Error("it did not happen within 5 s");
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}

test("a 100 MB download holds memory within 50 MB", async () => {
  let bytes = 0;
  const growth = await memoryGrowth(async () => {
    bytes = await readToEnd(await open(server.address, "GET", "/proxy/api/download", { token }));
  });
  expect(bytes).toBe(LARGE);
  expect(growth).toBeLessThan(50 * MEGABYTE);
});

test("a 100 MB download to a caller that does not read holds memory within 50 MB", async () => {
  const growth = await memoryGrowth(async () => {
    const answer = await open(server.address, "GET", "/proxy/api/download", { token });
    answer.pause();
    await new Promise((resolve) => setTimeout(resolve, 1500));
    answer.destroy();
  });
  expect(growth).toBeLessThan(50 * MEGABYTE);
});

test("a 100 MB upload, chunked, holds memory within 50 MB", async () => {
  const { hostname, port } = new URL(server.address);
  let answered = "";
  const growth = await memoryGrowth(
    () =>
      new Promise<void>((resolve, reject) => {
        const upload = httpRequest(
          {
            host: hostname,
            port,
            method: "POST",
            path: "/proxy/api/upload",
            headers: { Authorization: `Bearer ${token}` },
          },
          (response) => {
            response.on("data", (chunk: Buffer) => (answered += chunk.toString())).on("end", resolve);
          },
        );
        upload.on("error", reject);
        let left = LARGE;
        const pump = (): void => {
          while (left > 0) {
            left -= PIECE.length;
            if (!upload.write(PIECE)) return void upload.once("drain", pump);
          }
          upload.end();
        };
        pump();
      }),
  );
  expect(answered).toBe(String(LARGE));
  expect(growth).toBeLessThan(50 * MEGABYTE);
});

test("events arrive one by one, within 50 ms of being sent", async () => {
  const answer = await open(server.address, "GET", "/proxy/api/events", { token });
  const arrivals: { text: string; at: number }[] = [];
  for await (const chunk of answer)
    arrivals.push({ text: (chunk as Buffer).toString(), at: performance.now() });
  expect(arrivals.map(({ text }) => text)).toEqual(
    seen.sentEvents.map((_at, index) => `data: ${index + 1}\n\n`),
  );
  const delays = arrivals.map(({ at }, index) => at - (seen.sentEvents[index] ?? 0));
  expect(Math.max(...delays)).toBeLessThan(50);
});

test("the head of an answer arrives before its body", async () => {
  const answer = await open(server.address, "GET", "/proxy/api/head", { token });
  expect(answer.statusCode).toBe(200);
  answer.destroy();
});

test("an interim answer is not taken for the answer", async () => {
  const answer = await call(server.address, "GET", "/proxy/api/hints", { token });
  expect(answer).toMatchObject({ status: 201, text: "after the hints" });
});

test("an upload to an upstream that does not read is held back, not kept in memory", async () => {
  const { hostname, port } = new URL(server.address);
  let taken = 0;
  const growth = await memoryGrowth(async () => {
    const socket = connect(Number(port), hostname);
    socket.write(
      `POST /proxy/api/unread HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer ${token}\r\nContent-Length: ${LARGE}\r\n\r\n`,
    );
    const offer = (): void => {
      while (taken < LARGE) {
        taken += PIECE.length;
        if (!socket.write(PIECE)) return void socket.once("drain", offer);
      }
    };
    offer();
    await new Promise((resolve) => setTimeout(resolve, 1500));
    socket.destroy();
  });
  expect(taken).toBeLessThan(40 * MEGABYTE);
  expect(growth).toBeLessThan(50 * MEGABYTE);
});

test("a caller that leaves aborts the upstream request", async () => {
  for (const path of ["hang", "download", "silent"]) {
    seen.closedEarly = 0;
    const { hostname, port } = new URL(server.address);
    const request = httpRequest({
      host: hostname,
      port,
      path: `/proxy/api/${path}`,
      headers: { Authorization: `Bearer ${token}` },
    });
    request.on("error", () => undefined).on("response", (response) => response.on("error", () => undefined));
    request.end();
    await new Promise((resolve) => setTimeout(resolve, 200));
    request.destroy();
    await eventually(() => seen.closedEarly === 1);
  }
});

test("a caller that leaves in the middle of its body aborts the upstream request", async () => {
  seen.closedEarly = 0;
  const { hostname, port } = new URL(server.address);
  const socket = connect(Number(port), hostname);
  socket.write(
    "POST /proxy/api/upload HTTP/1.1\r\nHost: localhost\r\n" +
      `Authorization: Bearer ${token}\r\nContent-Length: 1000\r\n\r\npart`,
  );
  await eventually(() => seen.uploaded === 4);
  socket.destroy();
  await eventually(() => seen.closedEarly === 1);
});

test.each(["cut", "cut-chunked"])(
  "an upstream that stops in the middle (%s) is a broken transfer",
  async (path) => {
    const answer = await open(server.address, "GET", `/proxy/api/${path}`, { token });
    const read = async (): Promise<void> => {
      for await (const chunk of answer) expect((chunk as Buffer).toString()).toBe("only this");
    };
    await expect(read()).rejects.toThrow();
  },
);

test("a body over the service's limit is 413, announced or not, and the upstream never sees it whole", async () => {
  const body = "x".repeat(1001);
  const announced = await call(server.address, "POST", "/proxy/small/upload", { token, body });
  expect(announced).toMatchObject({ status: 413, json: { code: "body_too_large" } });
  const chunked = await call(server.address, "POST", "/proxy/small/upload", {
    token,
    body,
    headers: ["Transfer-Encoding", "chunked"],
  });
  expect(chunked).toMatchObject({ status: 413, json: { code: "body_too_large" } });
  expect(await answerTo(`Content-Length: 1001\r\n\r\n`, "small")).toMatch(/^HTTP\/1\.1 413 /);
  const fitting = await call(server.address, "POST", "/proxy/small/upload", {
    token,
    body: "x".repeat(1000),
  });
  expect(fitting).toMatchObject({ status: 200, text: "1000" });
});

/** What comes back to a POST of which only the head is sent. */
function answerTo(endOfHead: string, service: string, bearer = token): Promise<string> {
  return new Promise((resolve) => {
    const { hostname, port } = new URL(server.address);
    const socket = connect(Number(port), hostname);
    socket.write(
      `POST /proxy/${service}/upload HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer ${bearer}\r\n`,
    );
    socket.write(endOfHead);
    socket.once("data", (chunk) => {
      socket.destroy();
      resolve(chunk.toString());
    });
  });
}

test("a refused caller that goes on sending is cut off after a while", async () => {
  const { hostname, port } = new URL(server.address);
  const socket = connect(Number(port), hostname)
    .on("error", () => undefined)
    .resume();
  socket.write("POST /proxy/api/upload HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n");
  const trickle = setInterval(() => socket.write("1\r\nx\r\n"), 100);
  const began = Date.now();
  await new Promise((resolve) => socket.once("close", resolve));
  clearInterval(trickle);
  expect(Date.now() - began).toBeGreaterThan(1000);
  expect(Date.now() - began).toBeLessThan(10_000);
});

test("an upstream that does not answer in time is 504", async () => {
  const answer = await call(server.address, "GET", "/proxy/hasty/silent", { token });
  expect(answer).toMatchObject({ status: 504, json: { code: "upstream_timeout" } });
});

test("an answer that stalls longer than the idle time-out is a broken transfer", async () => {
  const answer = await open(server.address, "GET", "/proxy/hasty/hang", { token });
  await expect(readToEnd(answer)).rejects.toThrow();
});

test("Expect: 100-continue is answered by the vault, and not when the call is refused", async () => {
  const ask = (path: string, bearer: string): Promise<string> =>
    new Promise((resolve) => {
      const { hostname, port } = new URL(server.address);
      let text = "";
      const socket = connect(Number(port), hostname);
      socket.on("data", (chunk) => {
        text += chunk.toString();
        if (text.startsWith("HTTP/1.1 100")) socket.write("hello");
        if (/HTTP\/1\.1 [2-5]/.test(text)) socket.destroy();
      });
      socket.on("close", () => resolve(text));
      socket.write(
        `POST ${path} HTTP/1.1\r\nHost: localhost\r\nExpect: 100-continue\r\nContent-Length: 5\r\nAuthorization: Bearer ${bearer}\r\n\r\n`,
      );
    });
  expect(await ask("/proxy/api/upload", token)).toMatch(/^HTTP\/1\.1 100 Continue\r\n\r\nHTTP\/1\.1 200/);
  expect(await ask("/proxy/api/upload", "tok_wrong")).toMatch(/^HTTP\/1\.1 401/);
});

test("locking, revoking the token and deleting the service end a running stream", async () => {
  const replaceAndLock = async (): Promise<void> => {
    await live.addService("doomed", { type: "bearer", token: "y" });
    await call(server.address, "POST", "/auth/lock", { token: admin });
  };
  const ends: ((doomedToken: string) => Promise<unknown>)[] = [
    () => call(server.address, "DELETE", "/services/doomed", { token: admin }),
    (doomedToken) => call(server.address, "DELETE", `/tokens/${doomedToken}`, { token: admin }),
    replaceAndLock,
  ];
  for (const end of ends) {
    await live.addService("doomed", { type: "bearer", token: "x" });
    const doomedToken = await makeToken(server, admin);
    const answer = await open(server.address, "GET", "/proxy/doomed/hang", { token: doomedToken });
    expect(answer.statusCode).toBe(200);
    const outcome = expect(readToEnd(answer)).rejects.toThrow();
    await end(doomedToken);
    await outcome;
  }
  expect((await call(server.address, "GET", "/proxy/api/", { token })).status).toBe(423);
  await eventually(() => live.upstream.connections() === 0);
});
