import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { isToken } from "../tokens/token-format.js";
import type { Answer, ControlPlaneFixture } from "./testing/control-plane-fixture.js";
import { startControlPlane } from "./testing/control-plane-fixture.js";

let fixture: ControlPlaneFixture;
beforeEach(async () => {
  fixture = await startControlPlane();
});
afterEach(() => fixture.close());

interface Issued {
  readonly id: string;
  readonly scope: string;
  readonly expires_at: string;
}

const issue = (json?: unknown): Promise<Answer> =>
  fixture.call("POST", "/tokens", { token: fixture.admin, json });
const list = async (): Promise<Record<string, unknown>[]> =>
  (await fixture.call("GET", "/tokens", { token: fixture.admin })).json as Record<string, unknown>[];
const revoke = (id: string): Promise<Answer> =>
  fixture.call("DELETE", `/tokens/${id}`, { token: fixture.admin });

describe("POST /tokens", () => {
  test("without a body gives a proxy token for the configured time", async () => {
    const answer = await issue();
    expect(answer).toMatchObject({
      status: 201,
      json: {
        scope: "proxy",
        created_at: "2026-03-01T12:00:00.000Z",
        expires_at: "2026-03-01T13:00:00.000Z",
      },
    });
    expect(isToken((answer.json as Issued).id)).toBe(true);
  });

  test("takes scope, name and ttl", async () => {
    const answer = await issue({ scope: "admin", name: "ci", ttl: "1h30m" });
    expect(answer.json).toMatchObject({ scope: "admin", name: "ci", expires_at: "2026-03-01T13:30:00.000Z" });
    const { id } = answer.json as Issued;
    expect((await fixture.call("GET", "/tokens", { token: id })).status).toBe(200);
  });

  test("takes a time in any zone and shows it in UTC", async () => {
    const answer = await issue({ expires_at: "2027-01-01T02:00:00+02:00" });
    expect(answer.json).toMatchObject({ expires_at: "2027-01-01T00:00:00.000Z" });
  });

  test("gives a token that ends when it says", async () => {
    const { id } = (await issue({ ttl: "90s" })).json as Issued;
    fixture.wait(89_999);
    expect((await fixture.call("GET", "/services", { token: id })).status).toBe(200);
    fixture.wait(1);
    expect((await fixture.call("GET", "/services", { token: id })).status).toBe(401);
  });

  test.each([
    [{ scope: "root" }, "scope: must be one of admin, proxy, metrics"],
    [{ ttl: "0s" }, "ttl: must be a duration above 0 such as 90s, 24h or 1h30m"],
    [{ ttl: 3600 }, "ttl: must be a string"],
    [{ ttl: "99999999h" }, "ttl: must be at most ten years away"],
    [{ expires_at: "2026-03-01T12:00:00Z" }, "expires_at: must be in the future"],
    [{ expires_at: "2027-01-01" }, "expires_at: must be an RFC 3339 time such as 2030-01-02T15:04:05Z"],
    [
      { expires_at: "2027-01-01T00:00:00" },
      "expires_at: must be an RFC 3339 time such as 2030-01-02T15:04:05Z",
    ],
    [{ expires_at: 5 }, "expires_at: must be an RFC 3339 time such as 2030-01-02T15:04:05Z"],
    [{ ttl: "1h", expires_at: "2027-01-01T00:00:00Z" }, "expires_at: must not be given together with ttl"],
    [{ name: "" }, "name: must not be empty"],
    [{ name: "a\nb" }, "name: must not hold control characters"],
    [{ rules: [] }, "unknown field rules"],
  ])("of %j is 400 and changes nothing", async (json, error) => {
    const before = fixture.snapshot();
    expect(await issue(json)).toMatchObject({ status: 400, json: { error, code: "invalid_request" } });
    expect(fixture.snapshot()).toBe(before);
  });
});

describe("GET /tokens", () => {
  test("shows prefixes, the oldest first, and neither a token nor its digest", async () => {
    fixture.wait(1000);
    const { id } = (await issue({ name: "agent" })).json as Issued;
    await fixture.call("GET", "/services", { token: id });
    const listed = await list();
    expect(listed).toHaveLength(3);
    expect(listed[2]).toEqual({
      id_prefix: `${id.slice(0, 12)}...`,
      scope: "proxy",
      name: "agent",
      created_at: "2026-03-01T12:00:01.000Z",
      expires_at: "2026-03-01T13:00:01.000Z",
      last_used_at: "2026-03-01T12:00:01.000Z",
    });
  });

  test("leaves out what has expired", async () => {
    await issue({ ttl: "1s" });
    fixture.wait(1000);
    expect(await list()).toHaveLength(2);
  });
});

describe("DELETE /tokens/{id}", () => {
  test.each([
    ["the whole token", (id: string) => id],
    ["its prefix as listed", (id: string) => `${id.slice(0, 12)}...`],
    ["a shorter prefix that only it has", (id: string) => id.slice(0, 11)],
  ])("revokes by %s, at once", async (_title, reference) => {
    const { id } = (await issue()).json as Issued;
    expect(await revoke(reference(id))).toMatchObject({ status: 200, json: { status: "revoked" } });
    expect((await fixture.call("GET", "/services", { token: id })).status).toBe(401);
    expect((await revoke(reference(id))).status).toBe(404);
  });

  test.each(["tok_%20", "tok", "nonsense", "__proto__", "...", `tok_${"A".repeat(43)}`])(
    "of %s is 404",
    async (id) => {
      expect(await revoke(id)).toMatchObject({ status: 404, json: { code: "not_found" } });
    },
  );

  test("of a prefix that several tokens have is 409 and revokes none", async () => {
    // 64 possible next characters: with this many tokens two begin alike.
    const ids: string[] = [];
    for (let count = 0; count < 65; count++) ids.push(((await issue()).json as Issued).id);
    const firsts = ids.map((id) => id.slice(0, 5));
    const shared = firsts.find((first, index) => firsts.indexOf(first) !== index);
    const before = fixture.snapshot();
    expect(await revoke(shared ?? "")).toMatchObject({ status: 409, json: { code: "conflict" } });
    expect(fixture.snapshot()).toBe(before);
  });

  test.each(["tok_", "tok_..."])("of %s, which all tokens have, is 409 and revokes none", async (prefix) => {
    const before = fixture.snapshot();
    expect(await revoke(prefix)).toMatchObject({ status: 409, json: { code: "conflict" } });
    expect(fixture.snapshot()).toBe(before);
  });

  test("ends what the token could still ask for: nothing is issued after it", async () => {
    const { id } = (await issue({ scope: "admin" })).json as Issued;
    const asked: Promise<Answer>[] = [];
    const ask = (): void => {
      for (let count = 0; count < 10; count++) asked.push(fixture.call("POST", "/tokens", { token: id }));
    };
    ask();
    const ends = new AbortController();
    const revoking = revoke(id).finally(() => {
      ends.abort();
    });
    while (!ends.signal.aborted) {
      ask();
      await new Promise((resolve) => setImmediate(resolve));
    }
    await revoking;
    const atRevocation = await list();
    const answers = await Promise.all(asked);
    expect(await list()).toHaveLength(atRevocation.length);
    for (const { status } of answers) expect([201, 401]).toContain(status);
    expect(answers.at(-1)?.status).toBe(401);
  });

  test("of something far too long is 400", async () => {
    expect((await revoke("t".repeat(65))).status).toBe(400);
  });

  test("is logged by prefix only, and so is what was issued", async () => {
    const { id } = (await issue()).json as Issued;
    await revoke(id);
    const lines = fixture.logged.join("\n");
    expect(lines).toContain("token issued");
    expect(lines).toContain("token revoked");
    expect(lines).toContain(`"token":"${id.slice(0, 12)}"`);
    expect(lines).not.toContain(id.slice(0, 13));
  });
});
