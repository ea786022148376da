import fc from "fast-check";
import type { Socket } from "node:net";
import { setImmediate as nextTurn } from "node:timers/promises";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { newSeed } from "../durability/seeded-random.js";
import { byForm } from "../durability/torture.js";
import { startServer, temporaryDirectory, type RunningServer } from "../live/processes.js";
import { connectTo, wait } from "../live/raw-sockets.js";
import { addService, call, makeToken, unlock } from "../live/vault-calls.js";
import { decodeChunks } from "./chunked-coding.js";
import { AUTH_CLASS, canonicalName, expectedFields, expectedTarget } from "./forwarding-model.js";
import {
  chunks,
  cutAt,
  cuts,
  field,
  frames,
  illegalLine,
  mutate,
  mutations,
  targetPrefix,
  targetTail,
} from "./fuzzed-input.js";
import { afterSilence, asSent, difference, join, mark } from "./marked-text.js";
import { ask, parseAnswer, type Fields, type RawAnswer } from "./raw-answer.js";
import {
  valueOf,
  startRecordingUpstream,
  type RecordedRequest,
  type RecordingUpstream,
} from "./recording-upstream.js";

/** For each of the kinds of input below. */
const FUZZ_MS = byForm(10_000, 100_000);
/** Of each kind, on each worker: on a machine with time to spare these are tried in a part of that time. */
const MOST_INPUTS = byForm(500, 1_000_000_000);
/** How many inputs are tried at once. */
const WORKERS = 4;
/** How long an answer may take to a request that is not whole, and gets none. */
const NO_ANSWER_MS = 60;

const REMEMBERED = 100;
/** docs/http.md: what may leave of the start of a secret when the upstream is silent in the middle of it. */
const LET_GO_BYTES = 4;

const SECRET = "fuzz-S3cret-qT8vLm2Xr5Zw9Kp4";
const BASE_PATH = "/base";

const seed = newSeed();
let directory: Awaited<ReturnType<typeof temporaryDirectory>>;
let server: RunningServer;
let token: string;
let workers: { readonly service: string; readonly upstream: RecordingUpstream }[];
let tested = 0;
let inputs = 0;
const recentlySent = new Map<string, readonly string[]>();

type Worker = (typeof workers)[number];

beforeAll(async () => {
  console.log(`fuzz: seed ${seed} (VAULT_TORTURE_SEED), ${FUZZ_MS / 1000} s for each kind of input`);
  directory = await temporaryDirectory();
  server = await startServer({ dataDir: directory.path });
  const admin = await unlock(server);
  token = await makeToken(server, admin);
  workers = await Promise.all(
    Array.from({ length: WORKERS }, async (_, index) => {
      const upstream = await startRecordingUpstream();
      const service = serviceName(index);
      const base_url = `${upstream.origin}${BASE_PATH}`;
      await addService(server, admin, {
        ...{ name: service, base_url, auth: { type: "bearer", token: SECRET }, allow_private: true },
      });
      return { service, upstream };
    }),
  );
});

afterAll(async () => {
  console.log(`fuzz: ${tested} inputs`);
  await server.stop();
  for (const { upstream } of workers) await upstream.close();
  await directory.remove();
});

/**
 * Each worker looks for what it sent itself, so no mutation may lead to another worker's upstream: the names are
 * further apart than four changed bytes.
 */
function serviceName(worker: number): string {
  return `fuzz-${worker}`.padEnd(12, String(worker));
}

/** The server must have survived all of it. */
afterEach(async () => {
  expect((await call(server.address, "GET", "/health")).status).toBe(200);
  expect(() => process.kill(server.pid, 0)).not.toThrow();
  expect(server.log()).not.toMatch(/unexpected error|failed inside|unhandled|rejection|\bat .*:\d+:\d+/i);
  for (const { upstream } of workers) expect(upstream.violations).toEqual([]);
});

/** Tries inputs on all workers until time is over. */
async function fuzz<T>(
  input: fc.Arbitrary<T>,
  check: (worker: Worker, value: T, id: string) => Promise<void>,
): Promise<void> {
  const outcomes = await Promise.all(
    workers.map((worker, index) =>
      fc.check(
        fc.asyncProperty(input, async (value) => {
          worker.upstream.reset();
          await check(worker, value, String((inputs += 1)));
          for (const request of worker.upstream.requests) expectNoCredential(request);
        }),
        { seed: seed + index, numRuns: MOST_INPUTS, plugins: [fc.interruptAfterTimeLimit(FUZZ_MS)] },
      ),
    ),
  );
  for (const outcome of outcomes) {
    tested += outcome.numRuns;
    if (outcome.failed)
      throw new Error(`${fc.defaultReportMessage(outcome)}\n${String(outcome.errorInstance)}`);
  }
  expect(outcomes.reduce((sum, { numRuns }) => sum + numRuns, 0)).toBeGreaterThan(50);
}

/** Nothing of the caller's is in the place of a credential, and the token is nowhere in the head. */
function expectNoCredential({ fields, head, target }: RecordedRequest): void {
  const credentials = fields.filter(([name]) => AUTH_CLASS.test(canonicalName(name)));
  expect(credentials).toEqual([["Authorization", `Bearer ${SECRET}`]]);
  expect(head).not.toContain(token);
  expect(target.startsWith(BASE_PATH)).toBe(true);
}

/** What an upstream client adds by itself, and what frames the body. */
const OWN_FIELDS = /^(?:host|connection|content-length|transfer-encoding|upgrade|X-Case)$/;

function passedFields({ fields }: RecordedRequest): Fields {
  return fields.filter(([name]) => !OWN_FIELDS.test(name));
}

const INJECTED = ["Authorization", `Bearer ${SECRET}`] as const;

async function sendInPieces(socket: Socket, pieces: readonly Buffer[]): Promise<void> {
  for (const piece of pieces) {
    if (piece.length > 0) socket.write(piece);
    await nextTurn();
  }
}

function request(
  head: readonly string[],
  body: Buffer = Buffer.alloc(0),
  method = "GET",
  thousandths: readonly number[] = [],
  patience = 5000,
): Promise<RawAnswer | undefined> {
  const bytes = Buffer.concat([Buffer.from([...head, "", ""].join("\r\n"), "latin1"), body]);
  return ask(server.address, method, bytes, {
    patience,
    send: (socket, whole) => sendInPieces(socket, cutAt(whole, thousandths)),
  });
}

const common = (id: string): string[] => [
  "Host: localhost",
  `X-Vault-Token: ${token}`,
  "Connection: close",
  `X-Case: ${id}`,
];

/** What arrived of one input; one that was given up may still arrive when the next is tried. */
const arrivedOf = ({ requests }: RecordingUpstream, id: string): RecordedRequest[] =>
  requests.filter(({ fields }) => valueOf(fields, "x-case") === id);

describe("whatever a caller sends", () => {
  test(
    "a target arrives as it was written below the base path, or not at all",
    { timeout: 3 * FUZZ_MS },
    () =>
      fuzz(
        fc.tuple(targetPrefix, targetTail, cuts),
        async ({ service, upstream }, [prefix, tail, places], id) => {
          const target = `${prefix}/proxy/${service}${tail}`;
          const answer = await request([`GET ${target} HTTP/1.1`, ...common(id)], undefined, "GET", places);
          const expected = expectedTarget(target, service, BASE_PATH);
          const arrived = arrivedOf(upstream, id).map((arrivedRequest) => arrivedRequest.target);
          if (expected.verdict === "refused") expect(arrived).toEqual([]);
          else if (expected.verdict === "passed" || arrived.length > 0)
            expect(arrived).toEqual([expected.target]);
          // Who still writes when the vault refuses and closes may lose the refusal.
          if (answer === undefined) expect(expected.verdict).not.toBe("passed");
          else expect(answer.isComplete).toBe(true);
          expect(answer?.status === 200).toBe(arrived.length === 1);
        },
      ),
  );

  test("fields arrive in order and as they were, less what the policy drops", { timeout: 3 * FUZZ_MS }, () =>
    fuzz(
      fc.record({
        list: fc.array(field, { maxLength: 20 }),
        illegal: fc.option(illegalLine, { nil: undefined, freq: 4 }),
        at: fc.nat(20),
        places: cuts,
      }),
      async ({ service, upstream }, { list, illegal, at, places }, id) => {
        const lines = list.map(([name, value]) => `${name}:${value}`);
        if (illegal !== undefined) lines.splice(at, 0, illegal.line);
        const head = [`GET /proxy/${service}/x HTTP/1.1`, ...common(id), ...lines];
        const patience = illegal === undefined ? 5000 : NO_ANSWER_MS * 10;
        const answer = await request(head, undefined, "GET", places, patience);
        if (illegal !== undefined) {
          if (!illegal.mayPass) expect(arrivedOf(upstream, id)).toEqual([]);
          expect(answer?.status === 200).toBe(arrivedOf(upstream, id).length === 1);
          return;
        }
        expect(answer?.status).toBe(200);
        expect(arrivedOf(upstream, id).map(passedFields)).toEqual([[...expectedFields(list), INJECTED]]);
      },
    ),
  );

  test("a chunked body arrives whole, or its request never ends", { timeout: 3 * FUZZ_MS }, () =>
    fuzz(fc.tuple(chunks, cuts), async ({ service, upstream }, [{ bytes }, places], id) => {
      const decoded = decodeChunks(bytes);
      const head = [`POST /proxy/${service}/x HTTP/1.1`, ...common(id), "Transfer-Encoding: chunked"];
      const isWhole = typeof decoded === "object";
      const answer = await request(head, bytes, "POST", places, isWhole ? 5000 : NO_ANSWER_MS);
      expect(arrivedOf(upstream, id).map(({ body }) => body)).toEqual(isWhole ? [decoded.body] : []);
      if (isWhole) expect(answer?.status).toBe(200);
      else expect(answer?.status ?? 400).toBe(400);
    }),
  );

  test("bytes that were a request once do no harm", { timeout: 3 * FUZZ_MS }, () =>
    fuzz(
      fc.record({
        template: fc.nat(5),
        second: fc.option(fc.nat(5), { nil: undefined }),
        changes: mutations,
        places: cuts,
      }),
      async ({ service, upstream }, { template, second, changes, places }) => {
        const templates = requestTemplates(service);
        const whole = Buffer.from(
          (templates[template] ?? "") + (second === undefined ? "" : (templates[second] ?? "")),
          "latin1",
        );
        const sent = mutate(whole, changes);
        const received = await exchangeUntilQuiet(cutAt(sent, places));
        const sentText = rememberSent(service, sent);
        for (const arrived of upstream.requests) {
          for (const [name, value] of passedFields(arrived)) {
            if (name === INJECTED[0] && value === INJECTED[1]) continue;
            expect(sentText).toContain(name);
            expect(sentText).toContain(value);
          }
        }
        expectAnswers(received);
      },
    ),
  );
});

/** What was sent last to a service: a request that was given up may still arrive when the next is tried. */
function rememberSent(service: string, sent: Buffer): string {
  const texts = [...(recentlySent.get(service) ?? []), sent.toString("latin1")].slice(-REMEMBERED);
  recentlySent.set(service, texts);
  return texts.join("\n");
}

function requestTemplates(service: string): string[] {
  const head = (...lines: string[]): string => [...lines, "", ""].join("\r\n");
  const target = `/proxy/${service}/v1/items?a=b`;
  const auth = ["Host: localhost", `Authorization: Bearer ${token}`, "X-Request-Id: 7"];
  return [
    head(`GET ${target} HTTP/1.1`, ...auth),
    head(`GET http://localhost${target} HTTP/1.1`, ...auth, "Cookie: a=b"),
    `${head(`POST ${target} HTTP/1.1`, ...auth, "Content-Length: 5")}hello`,
    `${head(`POST ${target} HTTP/1.1`, ...auth, "Transfer-Encoding: chunked")}5\r\nhello\r\n0\r\nX-Sum: 1\r\n\r\n`,
    `${head(`PUT ${target} HTTP/1.1`, ...auth, "Expect: 100-continue", "Content-Length: 5")}hello`,
    head(
      ...[
        `GET ${target} HTTP/1.1`,
        ...auth,
        "Connection: Upgrade",
        "Upgrade: websocket",
        "Sec-WebSocket-Version: 13",
      ],
      "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
    ),
  ];
}

/** All that comes back until the connection ends or nothing has come for a while. */
function exchangeUntilQuiet(pieces: readonly Buffer[]): Promise<{ bytes: Buffer; isOver: boolean }> {
  return new Promise((resolve) => {
    const received: Buffer[] = [];
    const socket = connectTo(server.address).setNoDelay(true);
    const settle = (isOver: boolean): void => {
      clearTimeout(timer);
      resolve({ bytes: Buffer.concat(received), isOver });
      socket.destroy();
    };
    const timer = setTimeout(() => settle(false), NO_ANSWER_MS);
    socket.on("data", (chunk) => {
      received.push(chunk);
      timer.refresh();
    });
    socket.on("close", () => settle(true));
    void sendInPieces(socket, pieces);
  });
}

/** One well-formed answer behind the other, and nothing else. */
function expectAnswers({ bytes, isOver }: { bytes: Buffer; isOver: boolean }): void {
  let rest = bytes;
  while (rest.length > 0) {
    const answer = parseAnswer(rest, "GET", false);
    if (answer === undefined) {
      // Interim answers may stand alone while the body is waited for.
      expect(rest.toString("latin1")).toMatch(/^HTTP\/1\.1 100 Continue\r\n\r\n$/);
      return;
    }
    if (answer.status === 101) return;
    expect(answer.isComplete || isOver).toBe(true);
    rest = answer.rest;
  }
}

/** FE FF and FF FE; UTF-32's begin with these, or with two zeros (Unicode 16, section 23.8). */
function hasWideByteOrderMark(body: Buffer): boolean {
  const start = body.subarray(0, 4).toString("hex");
  return start.startsWith("feff") || start.startsWith("fffe") || start === "0000feff";
}

describe("whatever an upstream sends", () => {
  test("a chunked answer arrives whole, or visibly broken", { timeout: 3 * FUZZ_MS }, () =>
    fuzz(
      fc.record({
        body: chunks,
        places: cuts,
        type: fc.constantFrom("text/plain", "image/png", "text/event-stream"),
      }),
      async ({ service, upstream }, { body: { bytes }, places, type }, id) => {
        const head = `HTTP/1.1 200 OK\r\nContent-Type: ${type}\r\nTransfer-Encoding: chunked\r\n\r\n`;
        upstream.reset({ pieces: cutAt(Buffer.concat([Buffer.from(head), bytes]), places), closes: true });
        const answer = await request(
          [`POST /proxy/${service}/x HTTP/1.1`, ...common(id), "Content-Length: 0"],
          undefined,
          "POST",
        );
        const decoded = decodeChunks(bytes);
        // Text that says that it is UTF-16 or UTF-32 cannot be searched, and is refused.
        const isRefused = (body: Buffer): boolean => type !== "image/png" && hasWideByteOrderMark(body);
        if (typeof decoded === "object" && !isRefused(decoded.body)) {
          expect(answer).toMatchObject({ status: 200, isComplete: true });
          expect(answer?.body.equals(decoded.body)).toBe(true);
        } else {
          expect(answer?.status === 200 && answer.isComplete).toBe(false);
        }
      },
    ),
  );
});

describe("whatever is sent over a WebSocket", () => {
  test("arrives byte for byte in both directions, the credential overwritten", { timeout: 3 * FUZZ_MS }, () =>
    fuzz(
      fc.record({
        out: frames,
        back: frames,
        secretAt: fc.option(fc.nat(1000), { nil: undefined }),
        outPlaces: cuts,
        backPlaces: cuts,
        isReset: fc.boolean(),
      }),
      async ({ service, upstream }, { out, back, secretAt, outPlaces, backPlaces, isReset }) => {
        const [before = back, after = Buffer.alloc(0)] =
          secretAt === undefined ? [] : cutAt(back, [Math.max(1, secretAt)]);
        const inserted = secretAt === undefined ? "" : SECRET;
        // What follows a secret at once waits for more if another could begin with it; none begins with a line end.
        const end = Buffer.concat([after, Buffer.from("\n")]);
        const sent = Buffer.concat([before, Buffer.from(inserted), end]);
        const expected = join(asSent(before), mark(inserted, [SECRET]), asSent(end));
        upstream.reset({ pieces: cutAt(sent, backPlaces), closes: false });
        const socket = connectTo(server.address).setNoDelay(true);
        let received = Buffer.alloc(0);
        socket.on("data", (chunk) => (received = Buffer.concat([received, chunk])));
        const [, , , , , handshake = ""] = requestTemplates(service);
        void sendInPieces(socket, [Buffer.from(handshake), ...cutAt(out, outPlaces)]);
        const body = (): Buffer => received.subarray(received.indexOf("\r\n\r\n") + 4);
        const isThere = (): boolean =>
          received.includes("\r\n\r\n") &&
          body().length >= sent.length &&
          upstream.switched().length >= out.length;
        for (const deadline = Date.now() + 5000; !isThere() && Date.now() < deadline;) await wait(2);
        if (isReset) socket.resetAndDestroy();
        else socket.destroy();
        expect(received.toString("latin1")).toMatch(/^HTTP\/1\.1 101 /);
        // Between two pieces a busy machine makes silences of its own.
        expect(difference(afterSilence(expected, LET_GO_BYTES), body())).toBeUndefined();
        expect(upstream.switched().equals(out)).toBe(true);
      },
    ),
  );
});
