import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { PASSWORD, startControlPlane, type ControlPlaneFixture } from "./testing/control-plane-fixture.js";

let plane: ControlPlaneFixture;

beforeEach(async () => {
  plane = await startControlPlane();
});

afterEach(() => plane.close());

describe("DELETE /tokens/self", () => {
  test("ends the token that asks and no other, of either scope", async () => {
    const { admin, proxy } = plane;
    expect(await plane.call("DELETE", "/tokens/self", { token: proxy })).toMatchObject({
      status: 200,
      json: { status: "revoked" },
    });
    expect(await plane.call("GET", "/services", { token: proxy })).toMatchObject({ status: 401 });
    expect(await plane.call("GET", "/services", { token: admin })).toMatchObject({ status: 200 });
    expect(await plane.call("DELETE", "/tokens/self", { token: admin })).toMatchObject({ status: 200 });
    expect(await plane.call("GET", "/services", { token: admin })).toMatchObject({ status: 401 });
  });

  test("is recorded, needs a token, and lets no proxy token end another", async () => {
    const { admin, proxy } = plane;
    expect(await plane.call("DELETE", "/tokens/self")).toMatchObject({ status: 401 });
    expect(await plane.call("DELETE", `/tokens/${admin}`, { token: proxy })).toMatchObject({ status: 403 });
    await plane.call("DELETE", "/tokens/self", { token: proxy });
    expect(plane.recorded.at(-1)).toMatchObject({
      action: "token.revoke",
      details: { target: proxy.slice(0, 12) },
    });
  });
});

describe("an unlock that asks for an idle time-out", () => {
  const unlock = (idle_timeout: unknown) =>
    plane.call("POST", "/auth/unlock", { json: { password: PASSWORD, idle_timeout } });

  test("gets a token that is refused with its reason once nobody used it so long", async () => {
    const answer = await unlock("15m");
    expect(answer).toMatchObject({ status: 200, json: { idle_timeout: "15m", scope: "admin" } });
    const { id } = answer.json as { id: string };
    plane.wait(14 * 60_000);
    const listed = await plane.call("GET", "/tokens", { token: id });
    expect(listed.json).toContainEqual(expect.objectContaining({ idle_timeout: "15m" }));
    plane.wait(15 * 60_000);
    expect(await plane.call("GET", "/tokens", { token: id })).toMatchObject({
      status: 401,
      json: { code: "unauthorized", error: "session expired after 15 idle minutes" },
    });
  });

  test("is refused where it is no duration, and without one nothing is different", async () => {
    for (const wrong of ["", "0", "15", "1d", "999ms", "99999999h", 15, null]) {
      expect(await unlock(wrong), String(wrong)).toMatchObject({ status: 400 });
    }
    const answer = await plane.unlock();
    expect(Object.keys(answer.json as object)).toEqual(["id", "scope", "created_at", "expires_at"]);
  });
});
