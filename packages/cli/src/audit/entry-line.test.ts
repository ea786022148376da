import { afterAll, beforeAll, expect, test } from "vitest";
import { entryLine } from "./entry-line.js";

const zone = process.env.TZ;
beforeAll(() => {
  process.env.TZ = "Europe/Berlin";
});
afterAll(() => {
  if (zone === undefined) delete process.env.TZ;
  else process.env.TZ = zone;
});

const AT = { seq: 1, time: "2030-01-01T23:30:05.123Z" };

test("a call is a line in the time of here, with its result before what may be long", () => {
  const call = { service: "github", method: "GET", path: "/user", decision: "allow", status: 200 } as const;
  expect(entryLine({ ...AT, ...call, action: "proxy", token_name: "bot", rule: "bot/1" })).toBe(
    "01-02 00:30:05 bot          proxy        200 by bot/1  github  GET /user",
  );
});

test("a long name is cut, a refusal stands out, and who is unknown is a dash", () => {
  expect(
    entryLine({ ...AT, action: "ssh.exec", token_name: "a-very-long-name", decision: "deny", status: 403 }),
  ).toBe("01-02 00:30:05 a-very-long… ssh.exec     DENIED 403");
  expect(entryLine({ ...AT, action: "server.start", decision: "allow" })).toBe(
    "01-02 00:30:05 -            server.start",
  );
});

test("names of any script leave what follows in its column", () => {
  const start = { ...AT, action: "server.start", decision: "allow" } as const;
  expect(entryLine({ ...start, token_name: "日本" })).toBe("01-02 00:30:05 日本         server.start");
  expect(entryLine({ ...start, token_name: "日本語のエージェント" })).toBe(
    "01-02 00:30:05 日本語のエ…  server.start",
  );
});
