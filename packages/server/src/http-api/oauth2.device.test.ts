import { afterAll, beforeEach, describe, expect, test } from "vitest";
import { ACCESS, CLIENT_SECRET, GRANTED, REFRESH, startLoginFixture } from "./testing/login-fixture.js";

const fixture = await startLoginFixture();
const { provider, admin } = fixture;
afterAll(() => fixture.close());
beforeEach(() => fixture.reset());

describe("a login on another device", () => {
  const GIVEN = {
    device_code: "device-code-0123456789",
    user_code: "WDJB-MJHT",
    verification_uri: "https://example.com/device",
    expires_in: 600,
    interval: 5,
  };
  const pending = { status: 400, body: { error: "authorization_pending" } };
  const ended = async (flow: string): Promise<unknown> => {
    for (;;) {
      const status = (await fixture.statusOf(flow)) as { status: string };
      if (status.status !== "pending") return status;
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
  };

  test("shows a code, asks at the interval, and stores what it gets", async () => {
    provider.answer(
      { body: GIVEN },
      pending,
      { status: 400, body: { error: "slow_down" } },
      { body: GRANTED },
    );
    const started = await fixture.startDevice({ service_name: "tv", authorize_params: { audience: "x" } });
    expect(started).toMatchObject({
      status: 200,
      json: { user_code: "WDJB-MJHT", verification_uri: "https://example.com/device", interval: 5 },
    });
    expect(started.text).not.toContain(GIVEN.device_code);
    const { flow, expires_at } = started.json as { flow: string; expires_at: string };
    expect(Date.parse(expires_at)).toBe(fixture.now() + 600_000);
    for (const seconds of [5, 5, 10]) {
      expect(await fixture.pauses.next()).toBe(seconds * 1000);
      expect(await fixture.statusOf(flow)).toEqual({ status: "pending", service_name: "tv" });
      fixture.pauses.end();
    }
    expect(await ended(flow)).toEqual({ status: "done", service_name: "tv" });
    expect(fixture.storedSecrets("tv").sort()).toEqual([ACCESS, CLIENT_SECRET, REFRESH].sort());
    expect(provider.requests.map(({ path }) => path)).toEqual(["/device", "/token", "/token", "/token"]);
    expect(provider.requests[0]?.parameters).toEqual({
      client_id: "client-1",
      client_secret: CLIENT_SECRET,
      scope: "read write",
      audience: "x",
    });
    expect(provider.requests[1]?.parameters).toMatchObject({
      grant_type: "urn:ietf:params:oauth:grant-type:device_code",
      device_code: GIVEN.device_code,
    });
    expect(fixture.logged.join()).not.toContain(GIVEN.device_code);

    provider.answer({ body: GIVEN }, { body: GRANTED });
    const again = await fixture.startDevice({ service_name: "tv" });
    expect((started.json as { message: string }).message).not.toContain("replaced");
    expect((again.json as { message: string }).message).toMatch(/which exists already, will be replaced\.$/);
    await fixture.pauses.next();
    fixture.pauses.end();
    expect(await ended((again.json as { flow: string }).flow)).toMatchObject({
      status: "done",
      replaced: true,
    });
  });

  test.each([
    ["access_denied", "access_denied"],
    ["expired_token", "expired"],
    ["invalid_client", "oauth2_refresh_failed"],
  ])("that ends with %s is failed", async (error, code) => {
    provider.answer({ body: GIVEN }, { status: 400, body: { error } });
    const before = fixture.snapshot();
    const { flow } = (await fixture.startDevice()).json as { flow: string };
    await fixture.pauses.next();
    fixture.pauses.end();
    expect(await ended(flow)).toMatchObject({ status: "failed", code });
    expect(fixture.snapshot()).toBe(before);
  });

  test.each<[string, number, unknown, string]>([
    ["an error", 400, { error: "unauthorized_client" }, "oauth2_refresh_failed"],
    ["HTML", 200, "<html>", "upstream_failed"],
    [
      "a page that must not be opened",
      200,
      { ...GIVEN, verification_uri: "javascript:1" },
      "upstream_failed",
    ],
  ])("whose provider answers with %s is 502 at once", async (_title, status, body, code) => {
    provider.answer({ status, body });
    expect(await fixture.startDevice()).toMatchObject({ status: 502, json: { code } });
  });

  test("wants an endpoint to begin at that may be asked", async () => {
    expect(await fixture.startDevice({ device_url: undefined })).toMatchObject({
      status: 400,
      json: { error: "device_url: is required" },
    });
    expect(await fixture.startDevice({ device_url: "https://169.254.169.254/" })).toMatchObject({
      status: 400,
    });
    expect(provider.requests).toEqual([]);
  });

  test.each(["a lock", "a cancellation"])("asks no more after %s", async (what) => {
    provider.answer({ body: GIVEN }, pending);
    const { flow } = (await fixture.startDevice({ service_name: "stopped" })).json as { flow: string };
    await fixture.pauses.next();
    if (what === "a lock") {
      await fixture.call("POST", "/auth/lock", { token: admin });
      await fixture.unlock();
      expect((await fixture.call("GET", `/auth/oauth2/flows/${flow}`, { token: admin })).status).toBe(404);
    } else {
      const cancelled = await fixture.call("DELETE", `/auth/oauth2/flows/${flow}`, { token: admin });
      expect(cancelled.json).toEqual({ status: "cancelled" });
      expect(await fixture.statusOf(flow)).toMatchObject({ status: "failed", code: "cancelled" });
    }
    fixture.pauses.end();
    await new Promise((resolve) => setTimeout(resolve, 50));
    expect(provider.requests.map(({ path }) => path)).toEqual(["/device"]);
  });

  test("whose provider answers after a lock does not begin", async () => {
    let answer: () => void = () => undefined;
    provider.answer({ body: GIVEN, after: new Promise<void>((resolve) => (answer = resolve)) });
    const starting = fixture.startDevice();
    while (provider.requests.length === 0) await new Promise((resolve) => setTimeout(resolve, 5));
    await fixture.call("POST", "/auth/lock", { token: admin });
    await fixture.unlock();
    answer();
    expect((await starting).status).toBe(423);
  });
});

describe("a flow", () => {
  test("that is not known is 404, to show and to cancel", async () => {
    const { flow } = await fixture.authorize();
    for (const method of ["GET", "DELETE"]) {
      expect((await fixture.call(method, "/auth/oauth2/flows/x", { token: admin })).status).toBe(404);
    }
    expect((await fixture.call("DELETE", `/auth/oauth2/flows/${flow}`, { token: admin })).status).toBe(200);
    expect((await fixture.call("DELETE", `/auth/oauth2/flows/${flow}`, { token: admin })).status).toBe(404);
  });
});
