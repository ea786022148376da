import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { afterAll, beforeAll, expect, test } from "vitest";
import { requireSurroundings } from "../durability/surroundings.js";
import type { Point } from "../durability/traced-writer.js";
import { startServer, temporaryDirectory, type RunningServer } from "../live/processes.js";
import { makeCertificates, type Certificates } from "../live/tls-upstream.js";
import { addService, call, makeToken, unlock, type Answered } from "../live/vault-calls.js";
import { startScriptedTokenEndpoint, type ScriptedTokenEndpoint } from "./scripted-token-endpoint.js";
import { attachTracer, pointsOfCalls, TRACEABLE } from "./traced-server.js";

/*
 * A provider has rotated the refresh token, and the server is killed at every system call from then on until the new one
 * is saved. After each, it comes up with the new token, or with the old one within the grace that the provider gives.
 */

/** So short that each call after a restart needs a refresh. */
const LIFE_S = 1;
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

  /** One call that needs a refresh, watched or killed; what the tracer saw. */
  async refreshTraced(killAt?: Point): ReturnType<Awaited<ReturnType<typeof attachTracer>>["detach"]> {
    const work = join(this.#path, `run-${(this.#runs += 1)}`);
    mkdirSync(work);
    await delay(LIFE_S * 1000);
    const tracer = await attachTracer(this.server.pid, this.dataDir, work, killAt);
    const answer = await this.call().catch((error: unknown) => error as Error);
    if (killAt === undefined) expect(answer).toMatchObject({ status: 200 });
    else expect(answer, killAt.signature).toBeInstanceOf(Error);
    return tracer.detach();
  }

  /** Kills what is left of the server, starts another, and says which refresh token that one uses. */
  async comeBack(): Promise<"new" | "old"> {
    await this.server.stop("SIGKILL");
    await this.start();
    const [old, newest] = this.endpoint.issuer.refreshTokens.slice(-2);
    this.endpoint.calls.length = 0;
    const answer = await this.call();
    expect(answer.status, answer.text).toBe(200);
    expect(this.endpoint.issuer.isRevoked).toBe(false);
    expect(this.endpoint.calls).toHaveLength(1);
    const used = this.endpoint.calls[0]?.parameters.refresh_token;
    expect([old, newest]).toContain(used);
    return used === newest ? "new" : "old";
  }

  async close(): Promise<void> {
    await this.#server?.stop("SIGKILL");
    await this.endpoint.close();
  }
}

test(
  "killed at any point between the answer and the save, it comes back with a token that works",
  { timeout: TEST_MS },
  async () => {
    const opened = await Promise.all(Array.from({ length: LANES }, (_, lane) => Lane.open(`lane-${lane}`)));
    const first = opened[0]!;
    // Its first refresh reads what later ones need not.
    expect((await first.call()).status).toBe(200);
    const { calls } = await first.refreshTraced();
    const points = pointsOfCalls(calls);
    expect(points.map(({ signature }) => signature)).toContain("rename vault.enc.tmp vault.enc");
    const renamed = points.findIndex(({ signature }) => signature === "rename vault.enc.tmp vault.enc");

    const left = [...points];
    const outcomes = { new: 0, old: 0 };
    const work = async (lane: Lane): Promise<void> => {
      for (let point = left.shift(); point !== undefined; point = left.shift()) {
        const run = await lane.refreshTraced(point);
        // The proof that it was this very call.
        expect(run.wasKilled, point.signature).toBe(true);
        expect(run.calls).toHaveLength(point.index + 1);
        expect(run.calls[point.index]).toMatchObject({ signature: point.signature, hasReturned: false });
        const used = await lane.comeBack();
        // The kill comes before the call: with the renaming done, the new token is there.
        expect(used, point.signature).toBe(point.index <= renamed ? "old" : "new");
        outcomes[used] += 1;
      }
    };
    await Promise.all(opened.map(work));
    console.log(
      `killed at ${points.length} points of a save: the new token was there ${outcomes.new} times, the old one worked ` +
        `${outcomes.old} times`,
    );
    expect(outcomes.new).toBeGreaterThan(0);
    expect(outcomes.old).toBeGreaterThan(3);
  },
);
