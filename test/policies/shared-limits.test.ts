import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { call, makeToken, type Answered } from "../live/vault-calls.js";
import { Refused, openShell } from "../ssh/shell-client.js";
import { startUsesVault, type UsesVault } from "./running-uses.js";

const ALL = [{ service: "api" }, { service: "cache" }, { service: "box" }];
const BYTES = 20_000;
/** What comes from an SSH server or a database in one piece, and has passed when it is counted. */
const PIECE_BYTES = 64 * 1024;

let uses: UsesVault;
beforeAll(async () => {
  uses = await startUsesVault();
});
afterAll(() => uses.close());

const tokenWith = (limits: object): Promise<string> =>
  makeToken(uses.vault.server, uses.vault.admin, { policy: { rules: ALL, limits } });
const get = (token: string): Promise<Answered> =>
  call(uses.vault.server.address, "GET", "/proxy/api/x", { token });
const openSession = (token: string): Promise<Answered> =>
  uses.vault.post("/redis/cache/session", {}, { token });
const exec = (token: string, command = "true"): Promise<Answered> =>
  uses.vault.post("/ssh/box/exec", { command }, { token });
const closeSession = (token: string, { json }: Answered): Promise<Answered> =>
  call(uses.vault.server.address, "DELETE", `/sessions/${(json as { id: string }).id}`, { token });
async function shellStatus(token: string): Promise<number> {
  try {
    const shell = await openShell(uses.vault.server.address, "/ssh/box/session", token);
    shell.socket.terminate();
    return 101;
  } catch (error) {
    if (error instanceof Refused) return error.status;
    throw error;
  }
}
/** Of one thing of each kind. */
const statuses = async (token: string): Promise<readonly number[]> => [
  (await get(token)).status,
  (await openSession(token)).status,
  (await exec(token)).status,
  await shellStatus(token),
];

describe("HTTP calls, sessions, commands and shells have one limit together", () => {
  test.each([
    ["requests_per_minute", { requests_per_minute: 4 }],
    ["max_uses", { max_uses: 4 }],
  ])("of %s", async (_, limits) => {
    const token = await tokenWith(limits);
    expect(await statuses(token)).toEqual([200, 200, 200, 101]);
    expect(await statuses(token)).toEqual([429, 429, 429, 429]);
  });

  test("of max_concurrent, and each place is free again when what had it is over", async () => {
    const token = await tokenWith({ max_concurrent: 5 });
    const running = await uses.begin(token);
    expect(running).toHaveLength(5);
    expect(await statuses(token)).toEqual([429, 429, 429, 429]);
    for (const use of running) {
      if (use.kind === "SSH command") continue;
      use.close();
      await expect.poll(async () => (await get(token)).status).toBe(200);
      const session = await openSession(token);
      expect([use.kind, session.status, (await get(token)).status]).toEqual([use.kind, 200, 429]);
      await closeSession(token, session);
      await expect.poll(async () => (await get(token)).status).toBe(200);
      // The place is taken again, for the next one to be the only free one.
      const shell = await openShell(uses.vault.server.address, "/ssh/box/session", token);
      expect((await get(token)).status).toBe(429);
      shell.socket.on("error", () => undefined);
    }
  });

  test("of max_uses under 300 parallel attempts of all kinds", async () => {
    const token = await tokenWith({ max_uses: 10 });
    const answers = await Promise.all(
      Array.from({ length: 100 }, () => [get(token), openSession(token), exec(token)]).flat(),
    );
    expect(answers.filter(({ status }) => status === 200)).toHaveLength(10);
    expect(answers.filter(({ status }) => status === 429)).toHaveLength(290);
  });

  test("of bytes_per_day, which a session and a shell end at", async () => {
    const token = await tokenWith({ bytes_per_day: BYTES });
    const running = await uses.begin(token);
    const shell = await openShell(uses.vault.server.address, "/ssh/box/session", token);
    shell.type("while :; do echo 0123456789; done\r");
    expect(await shell.closed).toEqual({
      code: 1008,
      reason: expect.stringContaining("bytes_per_day") as unknown,
    });
    expect(shell.received()).toBeLessThan(BYTES + PIECE_BYTES);
    // Nothing is left for the others either.
    const session = running.find(({ kind }) => kind === "Redis session");
    void session?.check().catch(() => undefined);
    expect(await session?.ended).toBe("closed");
    expect(await statuses(token)).toEqual([429, 429, 429, 429]);
    for (const use of running) use.close();
  });
});
