import { expect, test } from "vitest";
import { entryRow } from "./entry-row.js";
import { localTime } from "./local-time.js";

const AT = { seq: 1, time: "2030-01-01T00:00:00.000Z" };

test("a call is its method, path, status and rule", () => {
  expect(
    entryRow({
      ...AT,
      action: "proxy",
      token: "tok_AbCdEfGh",
      token_name: "bot",
      service: "github",
      method: "GET",
      path: "/user",
      decision: "allow",
      status: 200,
      rule: "bot/1",
    }),
  ).toEqual([localTime(AT.time), "bot", "proxy", "200 by bot/1", "github", "GET /user"]);
});

test("a command is shown as it was given, and a refusal stands out", () => {
  expect(
    entryRow({
      ...AT,
      action: "ssh.exec",
      token: "tok_AbCdEfGh",
      service: "prod",
      decision: "deny",
      status: 403,
      code: "policy_denied",
      details: { host: "10.0.0.1", command: "rm -rf /" },
    }),
  ).toEqual([
    localTime(AT.time),
    "tok_AbCdEfGh",
    "ssh.exec",
    "DENIED 403 policy_denied",
    "prod",
    "host=10.0.0.1 rm -rf /",
  ]);
});
