import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { startLiveVault, type LiveVault } from "./live-vault.js";
import { eventually } from "./raw-sockets.js";
import { call, makeToken } from "./vault-calls.js";

const OTHERS = "sk-live-51HxQ2eZvKYlo2C0uAbCdEf";
const MORE = ["sk-more-1-a7Xq0ZpLrT5vXyB9nWd2", "sk-more-2-Kd8sJf03LqPzVtYw61Rb"] as const;
const OWN = "own-key-7Gq2mZ0pLrT5vXyB9nWd";
const PASSWORD_OF_OTHER = "a-very-long-password-of-mine";

let live: LiveVault;
let token: string;

beforeAll(async () => {
  live = await startLiveVault({ answer: (_request, response) => void response.end("fine") });
  await live.addService("called", { type: "bearer", token: OWN });
  await live.addService("other", { type: "bearer", token: OTHERS });
  for (const key of MORE) await live.addService(key.slice(0, 9), { type: "bearer", token: key });
  await live.addService("basic", { type: "basic", username: "me", password: PASSWORD_OF_OTHER });
});
afterAll(() => live.close());
beforeEach(async () => {
  token = await makeToken(live.server, live.admin);
  live.upstream.requests.length = 0;
});

const send = (
  target: string,
  body: string | undefined,
  headers: Record<string, string> = { "content-type": "application/json" },
): ReturnType<typeof call> =>
  call(live.server.address, body === undefined ? "GET" : "POST", target, {
    token,
    headers,
    ...(body === undefined ? {} : { body }),
  });

const REFUSED = { status: 409, json: { code: "secret_in_request" } };

describe("another service's secret is not sent on", () => {
  test.each([
    ["in a header", "/proxy/called/x", undefined, { "x-note": `see ${OTHERS}` }],
    ["in the query", `/proxy/called/x?q=${OTHERS}`, undefined, {}],
    ["in the path", `/proxy/called/${OTHERS}/x`, undefined, {}],
  ])("%s", async (_, target, body, headers) => {
    const answer = await send(target, body, headers);
    expect(answer).toMatchObject(REFUSED);
    expect(answer.headers["x-vault-error"]).toBe("secret_in_request");
    expect(answer.text).not.toContain(OTHERS);
    expect(live.upstream.requests).toEqual([]);
  });

  test("in a textual body, and the upstream call is aborted", async () => {
    expect(await send("/proxy/called/x", JSON.stringify({ note: OTHERS }))).toMatchObject(REFUSED);
    await eventually(() => live.upstream.requests.length === 0);
  });

  test("in a body whose first Content-Type is none that is searched", async () => {
    const answer = await call(live.server.address, "POST", "/proxy/called/x", {
      token,
      headers: [
        "Content-Type",
        "image/png",
        "Content-Type",
        "application/json",
        "Authorization",
        `Bearer ${token}`,
      ],
      body: JSON.stringify({ note: OTHERS }),
    });
    expect(answer).toMatchObject(REFUSED);
  });

  test("in a body that comes in pieces", async () => {
    const body = `${"a".repeat(200_000)}${OTHERS}${"b".repeat(200_000)}`;
    expect(await send("/proxy/called/x", body, { "content-type": "text/plain" })).toMatchObject(REFUSED);
    expect(live.upstream.requests).toEqual([]);
  });
});

describe("is sent on", () => {
  test.each([
    ["the service's own secret", JSON.stringify({ note: OWN }), { "content-type": "application/json" }],
    ["a password of another service", PASSWORD_OF_OTHER, { "content-type": "text/plain" }],
    ["what is in a binary body", OTHERS, { "content-type": "application/octet-stream" }],
    ["all but the last character", OTHERS.slice(0, -1), { "content-type": "text/plain" }],
  ])("%s", async (_, body, headers) => {
    expect(await send("/proxy/called/x", body, headers)).toMatchObject({ status: 200, text: "fine" });
    expect(live.upstream.requests.at(-1)?.body.toString()).toBe(body);
  });
});

test("three times suspend the token, its running calls end, and an admin lifts that", async () => {
  for (const secret of [OTHERS, ...MORE]) {
    expect(await send(`/proxy/called/x?q=${secret}`, undefined, {})).toMatchObject(REFUSED);
  }
  const suspended = { status: 403, json: { code: "token_suspended" } };
  expect(await send("/proxy/called/x", undefined, {})).toMatchObject(suspended);
  expect(await call(live.server.address, "GET", "/services", { token })).toMatchObject(suspended);
  const listed = await call(live.server.address, "GET", "/tokens", { token: live.admin });
  expect(listed.json).toContainEqual(expect.objectContaining({ suspended_at: expect.any(String) as string }));
  expect(live.server.log()).toContain("token suspended");
  expect(live.server.log()).not.toContain(OTHERS);

  const resumed = await call(live.server.address, "POST", `/tokens/${token}/resume`, { token: live.admin });
  expect(resumed).toMatchObject({ status: 200, json: { status: "active" } });
  expect(await send("/proxy/called/x", undefined, {})).toMatchObject({ status: 200 });
  expect(
    await call(live.server.address, "POST", "/tokens/tok_none/resume", { token: live.admin }),
  ).toMatchObject({
    status: 404,
  });
  expect(await call(live.server.address, "POST", `/tokens/${token}/resume`, { token })).toMatchObject({
    status: 403,
  });
});

test("the body that suspends the token is refused as the ones before it", async () => {
  const bodies = [OTHERS, ...MORE].map((note) => JSON.stringify({ note }));
  for (const body of bodies) expect(await send("/proxy/called/x", body)).toMatchObject(REFUSED);
  expect(await send("/proxy/called/x", "{}")).toMatchObject({
    status: 403,
    json: { code: "token_suspended" },
  });
});

test("a program that tries the refused request again, as it is or in another place, is not suspended for that", async () => {
  for (let turn = 0; turn < 4; turn += 1) {
    expect(await send("/proxy/called/x", JSON.stringify({ note: OTHERS }))).toMatchObject(REFUSED);
    expect(await send(`/proxy/called/x?q=${OTHERS}`, undefined, {})).toMatchObject(REFUSED);
    expect(await send("/proxy/called/x", undefined, { "x-key": OTHERS })).toMatchObject(REFUSED);
  }
  expect(await send("/proxy/called/x", undefined, {})).toMatchObject({ status: 200 });
});

test("a service that is gone, and one while the vault was locked, is searched for no longer or again", async () => {
  await live.addService("passing", { type: "bearer", token: "passing-key-0123456789-xyz" });
  const target = "/proxy/called/x?q=passing-key-0123456789-xyz";
  expect(await send(target, undefined, {})).toMatchObject(REFUSED);
  await call(live.server.address, "DELETE", "/services/passing", { token: live.admin });
  expect(await send(target, undefined, {})).toMatchObject({ status: 200 });
});

test("a short secret is told of when it is stored", async () => {
  const stored = await call(live.server.address, "POST", "/services", {
    token: live.admin,
    headers: { "content-type": "application/json" },
    body: JSON.stringify({
      name: "short",
      base_url: "https://api.example.com",
      auth: { type: "bearer", token: "short" },
    }),
  });
  expect(stored).toMatchObject({
    status: 201,
    json: { warnings: [expect.stringContaining("8 characters") as string] },
  });
  const shown = await call(live.server.address, "GET", "/services/short", { token: live.admin });
  expect(shown.json).not.toHaveProperty("warnings");
});

test("a range goes on to the upstream, several at once do not: their parts could cut a secret anywhere", async () => {
  for (const [range, sent] of [
    ["bytes=0-99", "bytes=0-99"],
    ["bytes=0-4,5-9", undefined],
  ]) {
    await send("/proxy/called/x", undefined, { range: range ?? "", "accept-encoding": "gzip" });
    const headers = live.upstream.requests.at(-1)?.rawHeaders ?? [];
    const valueOf = (wanted: string) =>
      headers[headers.findIndex((name) => name.toLowerCase() === wanted) + 1];
    expect(headers.map((name) => name.toLowerCase()).includes("range")).toBe(sent !== undefined);
    if (sent !== undefined)
      expect([valueOf("range"), valueOf("accept-encoding")]).toEqual([sent, "identity"]);
    else expect(valueOf("accept-encoding")).toBe("gzip");
  }
});
