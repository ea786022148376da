import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { afterAll, beforeAll, expect, test } from "vitest";
import { requireSurroundings } from "../durability/surroundings.js";
import { byForm } from "../durability/torture.js";
import type { Point } from "../durability/traced-writer.js";
import { startServer, temporaryDirectory, type RunningServer } from "../live/processes.js";
import { makeCertificates, type Certificates } from "../live/tls-upstream.js";
import { addService, call, makeToken, unlock, type Answered } from "../live/vault-calls.js";
import { startScriptedTokenEndpoint, type ScriptedTokenEndpoint } from "./scripted-token-endpoint.js";
import { attachTracer, pointsOfCalls, slowDown, TRACEABLE } from "./traced-server.js";

/*
 * A provider has rotated the refresh token, and the server is killed at every system call from then on until the new one
 * is saved. After each, it comes up with the new token, or with the old one within the grace that the provider gives.
 */

/** So short that each call after a restart needs a refresh. */
const LIFE_S = 1;
const LIFE_MS = LIFE_S * 1000 + 50;
/** How long each wait for the disk takes on a slow one. */
const SLOW_MS = 1200;
const GRACE_MS = 60_000;
const LANES = 2;
const TEST_MS = 180_000;

let directory: Awaited<ReturnType<typeof temporaryDirectory>>;
let certificates: Certificates;
const lanes: Lane[] = [];

beforeAll(async () => {
  requireSurroundings(["strace"]);
  directory = await temporaryDirectory();
  certificates = await makeCertificates();
});
afterAll(async () => {
  for (const lane of lanes) await lane.close();
  await certificates.remove();
  await directory.remove();
});

/** One data directory with one service, and the servers that live and die on it. */
class Lane {
  readonly #path: string;
  readonly endpoint: ScriptedTokenEndpoint;
  #server: RunningServer | undefined;
  #token = "";
  #runs = 0;

  constructor(path: string, endpoint: ScriptedTokenEndpoint) {
    this.#path = path;
    this.endpoint = endpoint;
  }

  static async open(name: string): Promise<Lane> {
    const path = join(directory.path, name);
    mkdirSync(path);
    const endpoint = await startScriptedTokenEndpoint({
      certificates,
      issuer: { graceMs: GRACE_MS, expiresIn: LIFE_S },
    });
    const lane = new Lane(path, endpoint);
    lanes.push(lane);
    const admin = await lane.start();
    const server = lane.server;
    await addService(server, admin, {
      name: "rotating",
      base_url: endpoint.apiUrl,
      allow_private: true,
      tls_ca: certificates.ca,
      auth: {
        type: "oauth2_client",
        client_id: "client",
        client_secret: "secret-0123456789",
        refresh_token: endpoint.issuer.refreshToken,
        token_url: endpoint.tokenUrl,
      },
    });
    lane.#token = await makeToken(server, admin, { name: "agent" });
    return lane;
  }

  get server(): RunningServer {
    if (this.#server === undefined) throw new Error("no server runs");
    return this.#server;
  }

  get dataDir(): string {
    return join(this.#path, "data");
  }

  async start(): Promise<string> {
    this.#server = await startServer({ dataDir: this.dataDir, env: TRACEABLE });
    return unlock(this.#server);
  }

  call(): Promise<Answered> {
    return call(this.server.address, "GET", "/proxy/rotating/x", { token: this.#token });
  }

  /** When the token at hand is not used any more. */
  async expired(): Promise<void> {
    await delay(Math.max(0, (this.endpoint.calls.at(-1)?.at ?? 0) + LIFE_MS - Date.now()));
  }

  /** One call that needs a refresh, watched, or killed at a point; what the tracer saw, and what the provider did. */
  async refreshTraced(killAt?: Point) {
    const work = join(this.#path, `run-${(this.#runs += 1)}`);
    mkdirSync(work);
    await this.expired();
    const tracer = await attachTracer(this.server.pid, this.dataDir, work, killAt);
    const answer = await this.call().catch((error: unknown) => error as Error);
    if (killAt === undefined) expect(answer).toMatchObject({ status: 200 });
    else expect(answer, killAt.signature).toBeInstanceOf(Error);
    const traced = await tracer.detach();
    const rotation = this.#lastRotation();
    return { ...traced, ...rotation };
  }

  /** Another server, after the one before was killed. */
  async comeBack(): Promise<void> {
    await this.server.stop("SIGKILL");
    await this.start();
  }

  /** The refresh token that was used last, and the one that was given for it. */
  #lastRotation(): { used: string; given: string } {
    expect(this.endpoint.issuer.isRevoked).toBe(false);
    return {
      used: this.endpoint.calls.at(-1)?.parameters.refresh_token ?? "",
      given: this.endpoint.issuer.refreshToken,
    };
  }

  async close(): Promise<void> {
    await this.#server?.stop("SIGKILL");
    await this.endpoint.close();
  }
}

/** To be killed before one of these leaves the disk as being killed before the next call does. */
const READING: ReadonlySet<string> = new Set(["statx", "pread64", "close"]);
const RENAME = "rename vault.enc.tmp vault.enc";

test(
  "killed at any point between the answer and the save, it comes back with a token that works",
  { timeout: TEST_MS },
  async () => {
    const opened = await Promise.all(Array.from({ length: LANES }, (_, lane) => Lane.open(`lane-${lane}`)));
    // The first refresh of a server reads what later ones need not.
    for (const lane of opened) expect((await lane.call()).status).toBe(200);
    const all = pointsOfCalls((await opened[0]!.refreshTraced()).calls);
    const points = byForm(
      all.filter(({ syscall }, index) => !READING.has(syscall) || index === all.length - 1),
      all,
    );
    const renamed = all.findIndex(({ signature }) => signature === RENAME);
    expect(renamed).toBeGreaterThan(0);

    const left = [...points];
    const outcomes = { new: 0, old: 0 };
    const work = async (lane: Lane): Promise<void> => {
      let before: { used: string; given: string; side: "new" | "old" } | undefined;
      const expectCameBack = (used: string): void => {
        if (before === undefined) return;
        expect([before.used, before.given]).toContain(used);
        const side = used === before.given ? "new" : "old";
        expect(side).toBe(before.side);
        outcomes[side] += 1;
      };
      for (let point = left.shift(); point !== undefined; point = left.shift()) {
        const run = await lane.refreshTraced(point);
        // The proof that it was this very call.
        expect(run.wasKilled, point.signature).toBe(true);
        expect(run.calls).toHaveLength(point.index + 1);
        expect(run.calls[point.index]).toMatchObject({ signature: point.signature, hasReturned: false });
        expectCameBack(run.used);
        // The kill comes before the call: with the renaming done, the new token is there.
        before = { used: run.used, given: run.given, side: point.index <= renamed ? "old" : "new" };
        await lane.comeBack();
      }
      const { used } = await lane.refreshTraced();
      expectCameBack(used);
    };
    await Promise.all(opened.map(work));
    console.log(
      `killed at ${points.length} points of a save: the new token was there ${outcomes.new} times, the old one ` +
        `worked ${outcomes.old} times`,
    );
    expect(outcomes.new + outcomes.old).toBe(points.length);
    expect(outcomes.new).toBeGreaterThan(0);
    expect(outcomes.old).toBeGreaterThan(3);
  },
);

test("nobody uses the new access token before the new refresh token is on the disk", async () => {
  const lane = await Lane.open("slow-disk");
  const { endpoint } = lane;
  expect((await lane.call()).status).toBe(200);
  await lane.expired();
  endpoint.apiCalls.length = 0;
  const asked = endpoint.calls.length;
  const slow = await slowDown(lane.server.pid, lane.dataDir, SLOW_MS);
  try {
    const first = lane.call();
    await endpoint.called(asked + 1);
    await delay(SLOW_MS / 4);
    const second = lane.call();
    await delay(SLOW_MS / 4);
    // The provider has answered, and the disk has not.
    expect(endpoint.apiCalls).toEqual([]);
    expect((await Promise.all([first, second])).map(({ status }) => status)).toEqual([200, 200]);
    expect(endpoint.calls).toHaveLength(asked + 1);
  } finally {
    await slow.detach();
  }
});
