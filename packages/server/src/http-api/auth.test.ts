import { mkdir, rmdir } from "node:fs/promises";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { VaultProxyError } from "../errors/vault-proxy-error.js";
import { isToken } from "../tokens/token-format.js";
import type { Answer, ControlPlaneFixture } from "./testing/control-plane-fixture.js";
import { PASSWORD, startControlPlane } from "./testing/control-plane-fixture.js";

let fixture: ControlPlaneFixture;
beforeEach(async () => {
  fixture = await startControlPlane();
});
afterEach(() => fixture.close());

const lock = (json?: unknown): ReturnType<ControlPlaneFixture["call"]> =>
  fixture.call("POST", "/auth/lock", { token: fixture.admin, json });

describe("POST /auth/unlock", () => {
  test("gives an admin token that lives as long as configured", async () => {
    await lock();
    const answer = await fixture.unlock();
    expect(answer.json).toEqual({
      id: expect.stringMatching(/^tok_/) as unknown,
      scope: "admin",
      created_at: "2026-03-01T12:00:00.000Z",
      expires_at: "2026-03-01T13:00:00.000Z",
    });
    const { id } = answer.json as { id: string };
    expect(isToken(id)).toBe(true);
    expect((await fixture.call("GET", "/tokens", { token: id })).status).toBe(200);
    fixture.wait(3_600_000);
    expect((await fixture.call("GET", "/tokens", { token: id })).status).toBe(401);
  });

  test("checks the password of an unlocked vault too, and gives another token", async () => {
    expect((await fixture.unlock("wrong password")).status).toBe(401);
    const answer = await fixture.unlock();
    expect(answer.status).toBe(200);
    expect((answer.json as { id: string }).id).not.toBe(fixture.admin);
  });

  test("with a wrong password is 401, and after five of them 429 with Retry-After, for the right one too", async () => {
    await lock();
    for (let attempt = 0; attempt < 5; attempt++) {
      expect(await fixture.unlock("wrong password")).toMatchObject({
        status: 401,
        json: { error: "wrong password or damaged vault file", code: "unauthorized" },
      });
    }
    const barred = await fixture.unlock();
    expect(barred).toMatchObject({ status: 429, json: { code: "locked_out" } });
    expect(barred.headers.get("retry-after")).toBe("30");
    fixture.wait(30_000);
    expect((await fixture.unlock()).status).toBe(200);
  });

  test.each([
    [undefined, "password: is required"],
    [{}, "password: is required"],
    [{ password: "" }, "password: must not be empty"],
    [{ password: 12345678 }, "password: must be a string"],
    [{ password: "\ud800 and more" }, "password: is not well-formed Unicode"],
    [{ password: "x".repeat(5000) }, "password: must have at most 4096 characters"],
    [{ password: PASSWORD, extra: 1 }, "unknown field extra"],
  ])("of %j is 400", async (json, error) => {
    expect(await fixture.call("POST", "/auth/unlock", { json })).toMatchObject({
      status: 400,
      json: { error },
    });
  });

  test("never logs or answers the password", async () => {
    await fixture.unlock("hunter2 hunter2");
    await fixture.unlock();
    expect(fixture.logged.join()).not.toMatch(/hunter2|correct horse/);
  });
});

describe("POST /auth/lock", () => {
  test("locks; tokens work again after unlock", async () => {
    expect(await lock()).toMatchObject({ status: 200, json: { status: "locked" } });
    expect((await fixture.call("GET", "/health")).json).toEqual({
      status: "locked",
      initialized: true,
      version: "1.2.3",
    });
    await fixture.unlock();
    expect((await fixture.call("GET", "/services", { token: fixture.proxy })).status).toBe(200);
  });

  test("revokes every token if asked to", async () => {
    expect((await lock({ revoke_tokens: true })).status).toBe(200);
    await fixture.unlock();
    for (const token of [fixture.admin, fixture.proxy]) {
      expect((await fixture.call("GET", "/services", { token })).status).toBe(401);
    }
  });

  test("locks also where the revocation cannot be saved, and says so", async () => {
    await mkdir(join(fixture.dataDir, "vault.enc.tmp"));
    const answer = await lock({ revoke_tokens: true });
    expect(answer).toMatchObject({ status: 500, json: { code: "storage_failed" } });
    expect((answer.json as { error: string }).error).toMatch(
      /^the vault is locked, but its tokens are not revoked/,
    );
    expect(fixture.vault.status).toBe("locked");
  });

  test("leaves no token behind if asked to, whatever is asked for meanwhile", async () => {
    const asked: Promise<Answer>[] = [];
    const ends = new AbortController();
    const locking = lock({ revoke_tokens: true }).finally(() => {
      ends.abort();
    });
    while (!ends.signal.aborted) {
      asked.push(fixture.call("POST", "/tokens", { token: fixture.admin }));
      await new Promise((resolve) => setImmediate(resolve));
    }
    expect((await locking).status).toBe(200);
    for (const { status } of await Promise.all(asked)) expect(status).not.toBe(500);
    const { id } = (await fixture.unlock()).json as { id: string };
    expect((await fixture.call("GET", "/tokens", { token: id })).json).toHaveLength(1);
  });

  test("leaves no token behind that an unlock asked for between the revocation and the lock", async () => {
    let asking: Promise<void> | undefined;
    const asked: Promise<unknown>[] = [];
    const request = { scope: "admin", expiresAt: fixture.now() + 1000, evenUnsaved: true } as const;
    const ask = async (): Promise<void> => {
      for (let turn = 0; turn < 50; turn++) {
        asked.push(fixture.parts.tokens.issue(request).catch((error: unknown) => error));
        await Promise.resolve();
      }
    };
    fixture.vault.subscribe(({ type }) => {
      if (type === "changed") asking ??= ask();
    });
    await lock({ revoke_tokens: true });
    await asking;
    const outcomes = await Promise.all(asked);
    expect(outcomes).toHaveLength(50);
    for (const outcome of outcomes) expect(outcome).toBeInstanceOf(VaultProxyError);
    const { id } = (await fixture.unlock()).json as { id: string };
    expect((await fixture.call("GET", "/tokens", { token: id })).json).toHaveLength(1);
  });

  test("locks nothing if its body is refused", async () => {
    expect(await lock({ revoke_tokens: "yes" })).toMatchObject({
      status: 400,
      json: { error: "revoke_tokens: must be true or false" },
    });
    expect(fixture.vault.status).toBe("unlocked");
  });
});

test.each(["gzip", "GZIP", "deflate", "x"])("a JSON body in the content coding %s is 415", async (coding) => {
  const headers = { "Content-Encoding": coding };
  const answer = await fixture.call("POST", "/auth/unlock", { json: { password: PASSWORD }, headers });
  expect(answer).toMatchObject({ status: 415, json: { code: "unsupported_media_type" } });
});

test("a JSON body in the content coding identity is taken", async () => {
  const headers = { "Content-Encoding": "Identity" };
  const answer = await fixture.call("POST", "/auth/unlock", { json: { password: PASSWORD }, headers });
  expect(answer.status).toBe(200);
});

describe("a locked vault", () => {
  test.each([
    ["GET", "/services"],
    ["POST", "/tokens"],
    ["GET", "/health/tokens"],
    ["POST", "/auth/lock"],
    ["GET", "/nothing"],
    ["PATCH", "/services"],
    ["GET", "/health/"],
  ])("answers %s %s with 423, before any look at token or body", async (method, path) => {
    await lock();
    for (const token of [undefined, "nonsense", fixture.proxy, fixture.admin]) {
      const body = method === "GET" ? {} : { body: "{" };
      const answer = await fixture.call(method, path, { ...body, token });
      expect(answer).toMatchObject({ status: 423, json: { code: "vault_locked" } });
    }
  });

  test("still answers /health, /openapi.json and /auth/unlock", async () => {
    await lock();
    expect((await fixture.call("GET", "/health")).status).toBe(200);
    expect((await fixture.call("GET", "/openapi.json")).status).toBe(200);
    expect((await fixture.call("GET", "/auth/unlock")).status).toBe(405);
  });
});

describe("POST /auth/password", () => {
  const change = (json: unknown): ReturnType<ControlPlaneFixture["call"]> =>
    fixture.call("POST", "/auth/password", { token: fixture.admin, json });

  test("changes the password", async () => {
    const answer = await change({ current: PASSWORD, new: "another good one" });
    expect(answer).toMatchObject({ status: 204, text: "" });
    await lock();
    expect((await fixture.unlock()).status).toBe(401);
    expect((await fixture.unlock("another good one")).status).toBe(200);
    expect(fixture.logged.join()).not.toMatch(/another good one|correct horse/);
  });

  test.each([
    [{ current: "wrong password", new: "another good one" }, 401, "wrong password or damaged vault file"],
    [{ current: PASSWORD, new: "short" }, 400, "new: must have at least 8 characters"],
    [{ current: PASSWORD }, 400, "new: is required"],
    [{ new: "another good one" }, 400, "current: is required"],
  ])("with %j is refused and changes nothing", async (json, status, error) => {
    expect(await change(json)).toMatchObject({ status, json: { error } });
    await lock();
    expect((await fixture.unlock()).status).toBe(200);
  });
});

describe("POST /auth/recovery-key", () => {
  const create = (json: unknown, token = fixture.admin): ReturnType<ControlPlaneFixture["call"]> =>
    fixture.call("POST", "/auth/recovery-key", { token, json });
  const keyOf = (answer: Answer): string => (answer.json as { recovery_key: string }).recovery_key;

  test("gives a key that unlocks and sets a new password", async () => {
    const answer = await create({ password: PASSWORD });
    expect(answer.status).toBe(201);
    const key = keyOf(answer);
    expect(answer.json).toEqual({
      recovery_key: expect.stringMatching(/^(?:[0-9A-Z]{4}-){8}[0-9A-Z]{4}$/) as unknown,
    });
    await lock();
    const { id } = (await fixture.unlock(key)).json as { id: string };
    const changed = { current: key, new: "another good one" };
    expect((await fixture.call("POST", "/auth/password", { token: id, json: changed })).status).toBe(204);
    await fixture.call("POST", "/auth/lock", { token: id });
    expect((await fixture.unlock()).status).toBe(401);
    expect((await fixture.unlock("another good one")).status).toBe(200);
    expect(fixture.logged.join()).not.toContain(key);
  });

  test("replaces the key before", async () => {
    const first = keyOf(await create({ password: PASSWORD }));
    const second = keyOf(await create({ password: PASSWORD }));
    await lock();
    expect((await fixture.unlock(first)).status).toBe(401);
    expect((await fixture.unlock(second)).status).toBe(200);
  });

  test.each([
    [{ password: "wrong password" }, 401, "wrong password or damaged vault file"],
    [{}, 400, "password: is required"],
    [{ password: PASSWORD, extra: 1 }, 400, "unknown field extra"],
  ])("with %j is refused and changes nothing", async (json, status, error) => {
    const before = fixture.snapshot();
    expect(await create(json)).toMatchObject({ status, json: { error } });
    expect(fixture.snapshot()).toBe(before);
  });
});

test("an unlock that cannot save its token gives one in memory, so that the owner can make room", async () => {
  await fixture.call("POST", "/tokens", { token: fixture.admin, json: { name: "old" } });
  await lock();
  const obstacle = join(fixture.dataDir, "vault.enc.tmp");
  await mkdir(obstacle);
  const answer = await fixture.unlock();
  expect(answer).toMatchObject({ status: 200, json: { scope: "admin" } });
  const { id } = answer.json as { id: string };
  expect(fixture.logged.at(-1)).toMatch(/admin token could not be saved/);
  expect(fixture.logged.join()).not.toContain(id);
  const { json } = await fixture.call("GET", "/tokens", { token: id });
  expect(json).toContainEqual(expect.objectContaining({ id_prefix: `${id.slice(0, 12)}...` }));
  expect((await fixture.call("POST", "/tokens", { token: id })).status).toBe(500);
  await rmdir(obstacle);
  expect((await fixture.call("POST", "/tokens", { token: id })).status).toBe(201);
  await fixture.call("POST", "/auth/lock", { token: id, json: { revoke_tokens: true } });
  await fixture.unlock();
  expect((await fixture.call("GET", "/tokens", { token: id })).status).toBe(401);
});

test("a save that fails is 500 and logged, and nothing of it is seen", async () => {
  const before = fixture.snapshot();
  // A directory stands where the new file would be written.
  await mkdir(join(fixture.dataDir, "vault.enc.tmp"));
  const answer = await fixture.call("POST", "/tokens", { token: fixture.admin });
  expect(answer).toMatchObject({ status: 500, json: { code: "storage_failed" } });
  expect(fixture.snapshot()).toBe(before);
  expect(fixture.logged.at(-1)).toMatch(/"error":"storage_failed"/);
});
