import { afterAll, beforeEach, describe, expect, test } from "vitest";
import type { Answer } from "./testing/control-plane-fixture.js";
import { PASSWORD } from "./testing/control-plane-fixture.js";
import {
  CALLBACK,
  CLIENT_SECRET,
  CODE,
  GRANTED,
  startLoginFixture,
  type Started,
} from "./testing/login-fixture.js";

const fixture = await startLoginFixture();
const { provider, admin } = fixture;
afterAll(() => fixture.close());
beforeEach(() => fixture.reset());

describe("a callback", () => {
  const unknown = (page: Answer): void => {
    expect(page.status).toBe(400);
    expect(page.text).toContain("not known any more");
    expect(provider.requests).toEqual([]);
  };

  test("with a state that is not one of ours, or none, changes nothing and says so", async () => {
    const { flow } = await fixture.authorize();
    const before = fixture.snapshot();
    for (const state of ["x", "", "a".repeat(43), flow])
      unknown(await fixture.callback({ state, code: CODE }));
    unknown(await fixture.callback({ code: CODE }));
    unknown(await fixture.call("GET", CALLBACK));
    expect(fixture.snapshot()).toBe(before);
    expect(await fixture.statusOf(flow)).toMatchObject({ status: "pending" });
  });

  test("cannot bring a state of its own: neither a body nor a parameter fixes one", async () => {
    expect(await fixture.authorizeRefused({ state: "chosen" })).toBe("unknown field state");
    expect(await fixture.authorizeRefused({ authorize_params: { state: "chosen" } })).toMatch(
      /is set by the vault/,
    );
    expect(
      await fixture.authorizeRefused({ auth_url: "https://accounts.example.com/a?state=chosen" }),
    ).toMatch(/^auth_url: its query holds a parameter that the vault sets itself/);
  });

  test("is good once", async () => {
    const { state } = await fixture.authorize();
    expect((await fixture.callback({ state, code: CODE })).status).toBe(200);
    provider.requests.length = 0;
    unknown(await fixture.callback({ state, code: CODE }));
  });

  test("is good once also at the same time", async () => {
    const { state } = await fixture.authorize();
    const pages = await Promise.all(
      Array.from({ length: 20 }, () => fixture.callback({ state, code: CODE })),
    );
    expect(pages.map(({ status }) => status).sort()).toEqual([200, ...Array<number>(19).fill(400)]);
    expect(provider.requests).toHaveLength(1);
  });

  test("after five minutes is too late", async () => {
    const { state, flow } = await fixture.authorize();
    fixture.wait(300_000);
    unknown(await fixture.callback({ state, code: CODE }));
    expect(await fixture.statusOf(flow)).toMatchObject({ status: "failed", code: "expired" });
  });

  test("of the oldest of eleven logins is not known any more", async () => {
    const all: Started[] = [];
    for (let index = 0; index < 11; index += 1) all.push(await fixture.authorize());
    const [first, second] = all;
    unknown(await fixture.callback({ state: first?.state ?? "", code: CODE }));
    expect(await fixture.statusOf(first?.flow ?? "")).toMatchObject({ status: "failed", code: "superseded" });
    expect((await fixture.callback({ state: second?.state ?? "", code: CODE })).status).toBe(200);
  });

  test("that HEAD asks for does not use up the login", async () => {
    const { state } = await fixture.authorize();
    const head = await fixture.call("HEAD", `${CALLBACK}?state=${state}&code=${CODE}`);
    expect(head.status).toBe(405);
    expect(head.headers.get("allow")).toBe("GET");
    expect((await fixture.callback({ state, code: CODE })).status).toBe(200);
  });

  test("with a refusal shows the provider's words as text, and keeps them out of everything else", async () => {
    const { state, flow } = await fixture.authorize();
    const words = "<script>alert('denied')</script>";
    const page = await fixture.callback({ state, error: "access_denied", error_description: words });
    expect(page.status).toBe(400);
    expect(page.text).not.toContain("<script>");
    expect(page.text).toContain("&lt;script&gt;alert(&#39;denied&#39;)&lt;/script&gt; (access_denied)");
    expect(await fixture.statusOf(flow)).toEqual({
      status: "failed",
      service_name: "api",
      code: "access_denied",
      error: "the login was refused at the provider",
    });
    expect(fixture.logged.join()).not.toContain("script");
    expect(provider.requests).toEqual([]);
  });

  test("with another error of the provider tells its code to nobody but the person", async () => {
    const { state, flow } = await fixture.authorize();
    expect((await fixture.callback({ state, error: "x\u001b[2J<b>" })).status).toBe(400);
    expect(await fixture.statusOf(flow)).toMatchObject({ status: "failed", code: "provider_error" });
    expect(fixture.logged.join()).not.toContain("[2J");
  });

  test("from another provider than was asked gives the code to nobody (mix-up)", async () => {
    for (const [more, iss] of [
      [{}, "https://evil.example"],
      [{ issuer: "https://accounts.example.com" }, "https://accounts.example.com/"],
      [{ issuer: "https://accounts.example.com" }, undefined],
      [{ require_iss: true }, undefined],
    ] as const) {
      const { state, flow } = await fixture.authorize(more);
      const before = fixture.snapshot();
      const page = await fixture.callback({ state, code: CODE, ...(iss === undefined ? {} : { iss }) });
      expect(page.status).toBe(400);
      expect(await fixture.statusOf(flow)).toMatchObject({ code: "issuer_mismatch" });
      expect(provider.requests).toEqual([]);
      expect(fixture.snapshot()).toBe(before);
    }
    const { state } = await fixture.authorize({ issuer: "https://accounts.example.com" });
    expect((await fixture.callback({ state, code: CODE, iss: "https://accounts.example.com" })).status).toBe(
      200,
    );
  });

  test.each<[string, number, unknown]>([
    ["an error", 400, { error: "invalid_grant", error_description: `about ${CLIENT_SECRET}` }],
    ["an unknown error", 400, { error: `no ${CODE}` }],
    ["HTML", 200, "<html>no</html>"],
    ["a fault", 503, "try later"],
    ["nothing", 200, {}],
    ["a redirect", 302, ""],
  ])(
    "whose code the token endpoint answers with %s is 502 and stores nothing",
    async (_title, status, body) => {
      provider.answer({ status, body });
      const { state, flow } = await fixture.authorize();
      const before = fixture.snapshot();
      const page = await fixture.callback({ state, code: CODE });
      expect(page.status).toBe(502);
      const shown = await fixture.statusOf(flow);
      expect(shown).toMatchObject({ status: "failed", code: "oauth2_refresh_failed" });
      for (const secret of [CLIENT_SECRET, CODE, "authorize it again"]) {
        expect(page.text + JSON.stringify(shown) + fixture.logged.join()).not.toContain(secret);
      }
      expect(provider.requests).toHaveLength(1);
      expect(fixture.snapshot()).toBe(before);
    },
  );

  test("is answered on a locked vault, and what was under way is forgotten", async () => {
    const { state, flow } = await fixture.authorize();
    await fixture.call("POST", "/auth/lock", { token: admin });
    const locked = await fixture.callback({ state, code: CODE });
    expect(locked.status).toBe(423);
    expect(locked.text).toContain("The vault is locked");
    await fixture.unlock(PASSWORD);
    unknown(await fixture.callback({ state, code: CODE }));
    expect((await fixture.call("GET", `/auth/oauth2/flows/${flow}`, { token: admin })).status).toBe(404);
  });

  test.each(["locked", "locked and unlocked again", "cancelled"])(
    "whose login is %s while the provider answers stores nothing",
    async (what) => {
      let answer: () => void = () => undefined;
      provider.answer({ body: GRANTED, after: new Promise<void>((resolve) => (answer = resolve)) });
      const { state, flow } = await fixture.authorize({ service_name: "late" });
      const pending = fixture.callback({ state, code: CODE });
      while (provider.requests.length === 0) await new Promise((resolve) => setTimeout(resolve, 5));
      if (what === "cancelled") await fixture.call("DELETE", `/auth/oauth2/flows/${flow}`, { token: admin });
      else await fixture.call("POST", "/auth/lock", { token: admin });
      if (what === "locked and unlocked again") await fixture.unlock();
      answer();
      expect((await pending).status).toBe(what === "cancelled" ? 502 : 423);
      if (what === "locked") await fixture.unlock();
      expect(fixture.parts.services.records.has("late")).toBe(false);
    },
  );
});
