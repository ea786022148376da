import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, expect, test } from "vitest";
import { refuseSecretsInAudit } from "../audit-secrets/audit-search.js";
import { recordAnswers } from "../contract/recorded-answers.js";
import { cleanEnvironment, derivationFlags, PASSWORD, temporaryDirectory } from "../live/processes.js";
import { startUpstream, type Upstream } from "../live/tls-upstream.js";
import { newSeed, seededRandom } from "./seeded-random.js";
import { byForm } from "./torture.js";
import {
  RefusedError,
  secretOf,
  versionedRecords,
  type VaultClient,
  type VersionedRecords,
} from "./versioned-records.js";

/** What breaks at one of the calls of a save, every-syscall.test.ts finds; here is what more than one writer can break. */
const ROUNDS = byForm(80, 2_000);
/** Side by side, each with a data directory of its own. */
const LANES = 2;
const WRITERS = 16;
/** A new data directory after so many rounds of a lane: in the short form too, eight vaults are made. */
const ROUNDS_A_VAULT = byForm(10, 25);
const START_MS = 20_000;
/** A round takes half a second of both processors; a busy machine takes several times that. */
const TEST_MS = byForm(900_000, 3 * 3_600_000);
/** The longest time that a server lives once it starts, or unlocks: about the time that this takes. */
const LIVES_MS = { starting: 350, unlocking: 100 };
/** One that is written to lives for so many acknowledged writes at most, whatever the machine's speed, and a moment. */
const LIFE_WRITES = 64;
const LAST_MOMENT_MS = 20;
const SLOWEST_WRITES_MS = 10_000;
/** Shares of the rounds; in the others it is killed while it is written to. */
const STARTING_SHARE = 0.06;
const UNLOCKING_SHARE = 0.1;
const CREATING_SHARE = 0.6;

/** A kill while a key is derived shows nothing: what is tested here is the writing. */
const FLAGS = derivationFlags("quick");
const SERVER = fileURLToPath(new URL("../../packages/server/dist/main.js", import.meta.url));

let directory: Awaited<ReturnType<typeof temporaryDirectory>>;
let upstream: Upstream;
const running = new Set<ChildProcess>();
/** Of all servers of the file. */
const answers = recordAnswers();

beforeAll(async () => {
  directory = await temporaryDirectory();
  upstream = await startUpstream(undefined);
});
afterAll(async () => {
  await Promise.all([...running].map(killAtOnce));
  await upstream.close();
  await directory.remove();
  await answers.check();
});

interface Counts {
  /** Ends every lane at its next round. */
  hasFailed: boolean;
  rounds: number;
  acknowledged: number;
  killedStarting: number;
  killedUnlocking: number;
  killedCreating: number;
  killedInSave: number;
}

test("kill -9 at any moment loses nothing that was acknowledged", { timeout: TEST_MS }, async () => {
  const seed = newSeed();
  const counts: Counts = {
    hasFailed: false,
    rounds: 0,
    acknowledged: 0,
    killedStarting: 0,
    killedUnlocking: 0,
    killedCreating: 0,
    killedInSave: 0,
  };
  const began = Date.now();
  const lanes = await Promise.allSettled(
    Array.from({ length: LANES }, (_, lane) =>
      runLane(lane, ROUNDS / LANES, seededRandom(seed + lane), counts),
    ),
  );
  console.log(
    `kill -9: ${counts.rounds} rounds, ${counts.acknowledged} writes acknowledged, ${counts.killedInSave} kills in a ` +
      `running save, ${counts.killedStarting} in a start, ${counts.killedUnlocking} in an unlock, ` +
      `${counts.killedCreating} in the making of the vault; ${Date.now() - began} ms; seed ${seed}`,
  );
  for (const lane of lanes) if (lane.status === "rejected") throw lane.reason;
  expect(counts.rounds).toBe(ROUNDS);
});

async function runLane(lane: number, rounds: number, random: () => number, counts: Counts): Promise<void> {
  for (let round = 0, life: VaultLife | undefined; round < rounds && !counts.hasFailed; round += 1) {
    if (life === undefined || round % ROUNDS_A_VAULT === 0) {
      life = new VaultLife(join(directory.path, `lane-${lane}-${round}`), random, counts);
    }
    const before = life.acknowledged;
    try {
      await life.round();
    } catch (error) {
      counts.hasFailed = true;
      throw new Error(`lane ${lane}, round ${round}`, { cause: error });
    } finally {
      counts.acknowledged += life.acknowledged - before;
    }
    counts.rounds += 1;
  }
}

/** One data directory, and the servers that live and die on it. */
class VaultLife {
  readonly #dataDir: string;
  readonly #random: () => number;
  readonly #counts: Counts;
  readonly #records: VersionedRecords = versionedRecords(upstream.origin);
  #isMade = false;
  #lastAdmin: string | undefined;
  #tokenNumber = 0;

  constructor(dataDir: string, random: () => number, counts: Counts) {
    this.#dataDir = dataDir;
    this.#random = random;
    this.#counts = counts;
  }

  get acknowledged(): number {
    return this.#records.acknowledged;
  }

  async round(): Promise<void> {
    const kind = this.#random();
    const child = startServer(this.#dataDir);
    try {
      if (kind < STARTING_SHARE) {
        await delay(this.#random() * LIVES_MS.starting);
        this.#counts.killedStarting += 1;
        return;
      }
      // No help: the lock of the one that was killed, and what it left half done, are this one's business.
      const address = await addressOf(child);
      await this.#assertMade(address);
      const share = this.#isMade ? UNLOCKING_SHARE : CREATING_SHARE;
      if (kind < STARTING_SHARE + share) await this.#killWhileUnlocking(child, address);
      else await this.#write(child, await this.#unlockAndVerify(address));
    } finally {
      await killAtOnce(child);
      await refuseSecretsInAudit(this.#dataDir);
      if (existsSync(join(this.#dataDir, "vault.enc.tmp"))) this.#counts.killedInSave += 1;
    }
  }

  async #assertMade(address: string): Promise<void> {
    const health = (await (await fetch(`${address}/health`)).json()) as { initialized: boolean };
    if (this.#isMade) expect(health.initialized).toBe(true);
  }

  async #killWhileUnlocking(child: ChildProcess, address: string): Promise<void> {
    this.#counts[this.#isMade ? "killedUnlocking" : "killedCreating"] += 1;
    const unlocking = this.#unlock(address).catch(() => undefined);
    await delay(this.#random() * LIVES_MS.unlocking);
    child.kill("SIGKILL");
    await unlocking;
  }

  async #unlock(address: string): Promise<VaultClient> {
    const response = await fetch(`${address}/auth/unlock`, {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify({ password: PASSWORD }),
    });
    const text = await response.text();
    expect(response.status, text).toBe(200);
    this.#isMade = true;
    const { id } = JSON.parse(text) as { id: string };
    const previous = this.#lastAdmin;
    this.#lastAdmin = id;
    if (previous !== undefined) {
      const headers = { Authorization: `Bearer ${previous}` };
      expect((await fetch(`${address}/tokens`, { headers })).status, "the admin token of before").toBe(200);
    }
    return { address, admin: id };
  }

  async #unlockAndVerify(address: string): Promise<VaultClient> {
    const client = await this.#unlock(address);
    expect(await this.#records.verify(client)).toEqual([]);
    await this.#callOneService(client);
    return client;
  }

  /** That a credential is the one of its version shows in a call. */
  async #callOneService({ address, admin }: VaultClient): Promise<void> {
    const services = this.#records.expected.keys().filter((key) => key.startsWith("service/"));
    const key = services[Math.floor(this.#random() * services.length)];
    if (key === undefined) return;
    const mark = `${key.replace("/", "-")}-${this.#tokenNumber}-${Math.floor(this.#random() * 2 ** 32)}`;
    const { status } = await fetch(`${address}/proxy/${key.slice("service/".length)}/${mark}`, {
      headers: { Authorization: `Bearer ${admin}` },
    });
    expect(status).toBe(200);
    const version = this.#records.expected.version(key) ?? 0;
    const index = upstream.requests.findIndex(({ target }) => target === `/version-${version}/${mark}`);
    const [received] = upstream.requests.splice(index, 1);
    expect(received?.rawHeaders).toContain(`Bearer ${secretOf(version)}`);
  }

  async #write(child: ChildProcess, client: VaultClient): Promise<void> {
    const writers = Array.from({ length: WRITERS }, (_, writer) => this.#writeUntilDeath(client, writer));
    const enough = this.#records.acknowledged + Math.floor(this.#random() * LIFE_WRITES);
    const deadline = Date.now() + SLOWEST_WRITES_MS;
    while (this.#records.acknowledged < enough && Date.now() < deadline) await delay(1);
    await delay(this.#random() * LAST_MOMENT_MS);
    child.kill("SIGKILL");
    await Promise.all(writers);
  }

  async #writeUntilDeath(client: VaultClient, writer: number): Promise<void> {
    try {
      for (;;) await this.#writeOnce(client, writer);
    } catch (error) {
      // The connection broke: nobody knows what became of that change.
      if (error instanceof RefusedError || !(error instanceof TypeError || isAborted(error))) throw error;
    }
  }

  async #writeOnce(client: VaultClient, writer: number): Promise<void> {
    const records = this.#records;
    const kind = this.#random();
    const own = `w${writer}-${Math.floor(this.#random() * 3)}`;
    const isDeletion = this.#random() < 0.3;
    if (kind < 0.4) {
      const exists = records.expected.version(`service/${own}`) !== undefined;
      await (isDeletion && exists ? records.deleteService(client, own) : records.putService(client, own));
    } else if (kind < 0.7) {
      const exists = records.expected.version(`file/${own}`) !== undefined;
      await (isDeletion && exists ? records.deleteFile(client, own) : records.putFile(client, own));
    } else {
      const mine = records.expected.keys().filter((key) => key.startsWith(`token/w${writer}-`));
      const [oldest] = mine;
      if (oldest !== undefined && mine.length >= 3)
        await records.revokeToken(client, oldest.slice("token/".length));
      else await records.makeToken(client, `w${writer}-${(this.#tokenNumber += 1)}`);
    }
  }
}

function startServer(dataDir: string): ChildProcess {
  const child = spawn(
    process.execPath,
    [...answers.nodeFlags, ...FLAGS, SERVER, "--data-dir", dataDir, "--listen", "127.0.0.1:0"],
    {
      env: cleanEnvironment(answers.environment),
      stdio: ["ignore", "ignore", "pipe"],
    },
  );
  running.add(child);
  return child;
}

function addressOf(child: ChildProcess): Promise<string> {
  return new Promise((resolve, reject) => {
    let log = "";
    const timer = setTimeout(() => reject(new Error(`did not start in time:\n${log}`)), START_MS);
    const settle = (act: () => void): void => {
      clearTimeout(timer);
      act();
    };
    child.stderr?.on("data", (chunk: Buffer) => {
      log += chunk.toString();
      const address = /listening on (\S+)/.exec(log)?.[1];
      if (address !== undefined) settle(() => resolve(address));
    });
    child.once("close", () => settle(() => reject(new Error(`did not start:\n${log}`))));
  });
}

async function killAtOnce(child: ChildProcess): Promise<void> {
  if (child.exitCode === null && child.signalCode === null) {
    const ended = once(child, "close");
    child.kill("SIGKILL");
    await ended;
  }
  running.delete(child);
}

function isAborted(error: unknown): boolean {
  return error instanceof Error && ["AbortError", "SocketError"].includes(error.name);
}
