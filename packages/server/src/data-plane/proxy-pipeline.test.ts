import { UNRESTRICTED } from "../authorization/grant.js";
import { createServer, type IncomingMessage, type RequestListener, type Server } from "node:http";
import { randomBytes } from "node:crypto";
import { connect, type AddressInfo } from "node:net";
import { afterEach, describe, expect, test, vi } from "vitest";
import { auditUnavailable } from "../audit/audit-unavailable.js";
import { NO_TOKEN, type ServiceRecord } from "../auth-strategies/service-definition.js";
import { Secret } from "../redaction/secret.js";
import { OutboundScan } from "../scrubbing/outbound-scan.js";
import { createOutboundSecrets } from "../scrubbing/outbound-secrets.js";
import type { TokenRecord } from "../tokens/token-record.js";
import { VaultProxyError } from "../errors/vault-proxy-error.js";
import { createCookieJars } from "./cookie-jars.js";
import { createInFlightCalls } from "./in-flight-calls.js";
import { createProxyPipeline, type ProxyPipelineParts } from "./proxy-pipeline.js";
import { createServiceRoutes } from "./service-routes.js";

const TOKEN = `tok_${"A".repeat(43)}`;
const servers: Server[] = [];

afterEach(async () => {
  for (const server of servers.splice(0)) {
    const closed = new Promise((resolve) => server.close(resolve));
    server.closeAllConnections();
    await closed;
  }
});

async function serve(listener: RequestListener): Promise<string> {
  const server = createServer(listener);
  servers.push(server);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

/** The pipeline behind a real listener, in front of a real upstream, with `maxCallsPerToken` 3. */
async function startPipeline(
  upstream: RequestListener,
  audit: ProxyPipelineParts["audit"] = { ready: () => undefined, record: () => undefined },
) {
  const record: ServiceRecord = {
    name: "api",
    base_url: await serve(upstream),
    auth: { type: "bearer", token: new Secret("s") },
    tls_skip_verify: false,
    session_cookies: false,
    allow_private: true,
    forward_cookies: false,
  };
  const calls = createInFlightCalls();
  const errors: unknown[] = [];
  const strikes: string[] = [];
  const services = new Map([["api", record]]);
  const routes = createServiceRoutes({
    records: () => services,
    egressProxy: undefined,
    tokenOf: () => NO_TOKEN,
    cookieJars: createCookieJars(Date.now),
  });
  let released = 0;
  const outbound = createOutboundSecrets(randomBytes);
  const quiet = (): void => undefined;
  const pipeline = createProxyPipeline({
    isLocked: () => false,
    authorize: () => ({ ...UNRESTRICTED, release: () => (released += 1) }),
    audit,
    authenticate: (token) => (token === TOKEN ? ({ digest: "d" } as TokenRecord) : undefined),
    routes,
    searchOutbound: (service) => new OutboundScan(outbound, service),
    outboundReady: () => undefined,
    strikeOnce: () => undefined,
    strike: (token) => strikes.push(token.digest),
    calls,
    maxCallsPerToken: 3,
    countBytes: () => undefined,
    now: () => performance.now(),
    log: { debug: quiet, info: quiet, warn: quiet, error: (fields) => errors.push(fields) },
  });
  const address = await serve((request: IncomingMessage, response) => {
    pipeline.call({ request, response, target: request.url ?? "", requestId: "r", expectsContinue: false });
  });
  const get = (signal?: AbortSignal): Promise<Response> =>
    fetch(`${address}/proxy/api/x`, {
      headers: { authorization: `Bearer ${TOKEN}` },
      ...(signal === undefined ? {} : { signal }),
    });
  const changeService = (): void => {
    services.set("api", { ...record, auth: { type: "bearer", token: new Secret("t") } });
    routes.refresh();
  };
  return { address, get, calls, errors, changeService, released: () => released };
}

/** A pipeline whose log has no room until `makeRoom`, and what became of its calls. */
async function startWithoutRoom() {
  const seen: (string | undefined)[] = [];
  const recorded: [code: string | undefined, decision: string | undefined][] = [];
  let makeRoom = (): void => undefined;
  const room = new Promise<void>((resolve) => (makeRoom = resolve));
  const started = await startPipeline(
    (request, response) => {
      seen.push(request.headers.authorization);
      response.end("done");
    },
    {
      ready: () => room,
      record: (_action, { code, decision }) => recorded.push([code, decision]),
    },
  );
  const untilWaiting = async (count: number): Promise<void> => {
    await vi.waitFor(() => {
      expect(started.calls.countOf("d")).toBe(count);
    });
  };
  return { ...started, seen, recorded, makeRoom, untilWaiting };
}

test("a token may have so many calls at once and no more, and gets its places back", async () => {
  const waiting: (() => void)[] = [];
  const { get, calls } = await startPipeline((_request, response) => {
    waiting.push(() => response.end("done"));
  });
  const running = [get(), get(), get()];
  while (waiting.length < 3) await new Promise((resolve) => setTimeout(resolve, 5));
  const refused = await get();
  expect(refused.status).toBe(429);
  expect(refused.headers.get("retry-after")).toBe("1");
  expect(await refused.json()).toMatchObject({ code: "rate_limited" });
  for (const finish of waiting) finish();
  expect(await Promise.all(running.map(async (call) => (await call).text()))).toEqual([
    "done",
    "done",
    "done",
  ]);
  expect(calls.size).toBe(0);
  expect(calls.countOf("d")).toBe(0);
});

test("calls that fail, in whatever way, leave no place taken", async () => {
  let turn = 0;
  const { get, calls, errors } = await startPipeline((_request, response) => {
    turn += 1;
    if (turn % 3 === 0) response.destroy();
    else if (turn % 3 === 1) response.socket?.end("nonsense\r\n\r\n");
    else response.writeHead(200, { "Content-Length": 100 }).write("short", () => response.destroy());
  });
  for (let call = 0; call < 12; call += 1) {
    await get().then(
      (answer) => answer.text().catch(() => undefined),
      () => undefined,
    );
  }
  expect(calls.size).toBe(0);
  expect(calls.countOf("d")).toBe(0);
  expect(errors).toEqual([]);
});

test("a call that cannot be recorded is not made, and says when to try again", async () => {
  let made = 0;
  const recorded: (string | undefined)[] = [];
  const { get, calls } = await startPipeline(
    (_request, response) => {
      made += 1;
      response.end();
    },
    {
      ready: () => Promise.reject(auditUnavailable()),
      record: (_action, { code }) => recorded.push(code),
    },
  );
  const answer = await get();
  expect(answer.status).toBe(503);
  expect(answer.headers.get("retry-after")).toBe("5");
  expect(await answer.json()).toMatchObject({ code: "audit_unavailable" });
  expect(recorded).toEqual(["audit_unavailable"]);
  expect([made, calls.size, calls.countOf("d")]).toEqual([0, 0, 0]);
});

describe("while a call waits for room in the audit log", () => {
  test("it counts among those of its token, and is made when there is room", async () => {
    const { get, calls, makeRoom, untilWaiting, seen, released } = await startWithoutRoom();
    const waiting = [get(), get(), get()];
    await untilWaiting(3);
    expect((await get()).status).toBe(429);
    makeRoom();
    expect(await Promise.all(waiting.map(async (call) => (await call).text()))).toEqual(
      Array(3).fill("done"),
    );
    expect([seen.length, calls.size, released()]).toEqual([3, 0, 3]);
  });

  test("a token that is revoked is not used: 401 at once, and the upstream hears nothing", async () => {
    const { get, calls, makeRoom, untilWaiting, seen, recorded, errors, released } = await startWithoutRoom();
    const waiting = get();
    await untilWaiting(1);
    calls.end(
      ({ tokenDigest }) => tokenDigest === "d",
      new VaultProxyError("unauthorized", "this token was revoked"),
    );
    const answer = await waiting;
    expect(answer.status).toBe(401);
    expect(await answer.json()).toMatchObject({ code: "unauthorized" });
    makeRoom();
    await new Promise((resolve) => setTimeout(resolve, 20));
    expect([seen.length, calls.size, calls.countOf("d"), released()]).toEqual([0, 0, 0, 1]);
    expect(recorded).toEqual([["unauthorized", "deny"]]);
    expect(errors).toEqual([]);
  });

  test("a service that is changed gets nothing any more by what it was before", async () => {
    const { get, calls, makeRoom, untilWaiting, seen, changeService, released } = await startWithoutRoom();
    const waiting = get();
    await untilWaiting(1);
    changeService();
    makeRoom();
    const answer = await waiting;
    expect([answer.status, answer.headers.get("retry-after")]).toEqual([503, "1"]);
    expect(await answer.json()).toMatchObject({ code: "unavailable" });
    expect([seen.length, calls.size, released()]).toEqual([0, 0, 1]);
    expect((await get()).status).toBe(200);
    expect(seen).toEqual(["Bearer t"]);
  });

  test("a caller that leaves has its call recorded, and not made", async () => {
    const { get, calls, makeRoom, untilWaiting, seen, recorded, released } = await startWithoutRoom();
    const leaving = new AbortController();
    const waiting = get(leaving.signal);
    await untilWaiting(1);
    leaving.abort();
    await expect(waiting).rejects.toThrow();
    await new Promise((resolve) => setTimeout(resolve, 20));
    makeRoom();
    await vi.waitFor(() => {
      expect(recorded).toEqual([[undefined, "deny"]]);
    });
    expect([seen.length, calls.size, released()]).toEqual([0, 0, 1]);
  });

  test("a caller that leaves has none of its pipelined calls made, though only one has an answer to close", async () => {
    const { address, calls, makeRoom, untilWaiting, seen, released } = await startWithoutRoom();
    const caller = connect(Number(new URL(address).port), "127.0.0.1");
    const call = `GET /proxy/api/x HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${TOKEN}\r\n\r\n`;
    caller.write(call.repeat(3));
    await untilWaiting(3);
    caller.destroy();
    await new Promise((resolve) => setTimeout(resolve, 20));
    makeRoom();
    await vi.waitFor(() => {
      expect(released()).toBe(3);
    });
    expect([seen.length, calls.size]).toEqual([0, 0]);
  });
});
