import { expect, test } from "vitest";

import { clientOf, serve } from "./testing/client-fixture.js";
import { json } from "./testing/recording-server.js";

const ENTRY = { seq: 7, time: "2030-01-01T00:00:00.000Z", action: "proxy", decision: "allow" };

test("a page of the audit log is asked for with what is given, and nothing else", async () => {
  const server = await serve((_, response) => json(response, 200, { entries: [ENTRY], next: 7 }));
  const client = clientOf(server);
  expect(await client.listAudit()).toEqual({ entries: [ENTRY], next: 7 });
  await client.listAudit({
    limit: 5,
    before: 9,
    service: "a&b",
    token: "tok_",
    action: "ssh",
    decision: "deny",
  });
  expect(server.requests.map(({ method, url }) => `${method} ${url}`)).toEqual([
    "GET /audit",
    "GET /audit?limit=5&before=9&service=a%26b&token=tok_&action=ssh&decision=deny",
  ]);
});

test.each([
  ["no entries", {}],
  ["an entry without a number", { entries: [{ ...ENTRY, seq: undefined }] }],
  ["an entry without a time", { entries: [{ ...ENTRY, time: 5 }] }],
  ["an entry without an action", { entries: [{ ...ENTRY, action: undefined }] }],
  ["a next page that is no number", { entries: [], next: "7" }],
])("an answer with %s is no audit log", async (_, body) => {
  const server = await serve((_request, response) => json(response, 200, body));
  await expect(clientOf(server).listAudit()).rejects.toThrow();
});
