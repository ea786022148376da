import { expect, test } from "vitest";

import { createAnswerCheck, type SeenAnswer } from "./answer-check.js";

const json = (schema: object) => ({ "application/json": { schema } });
const named = { type: "object", required: ["name"], properties: { name: { type: "string" } } };

const faultsOf = createAnswerCheck({
  paths: {
    "/things": {
      get: { responses: { 200: { content: json({ type: "array", items: named }) } } },
      delete: { responses: { 204: {} } },
    },
    "/things/{name}": { get: { responses: { 200: { content: json(named) } } } },
    "/things/all": { get: { responses: { 200: { content: json({ const: "all" }) } } } },
    "/lines": { get: { responses: { 200: { content: { "application/x-ndjson": { schema: named } } } } } },
    "/file": {
      get: { responses: { 200: { content: { "application/octet-stream": {}, ...json(named) } } } },
    },
    "/proxy/{service}/{path}": { get: { responses: { 501: { content: json(named) } } } },
  },
  components: {
    schemas: { Error: { type: "object", required: ["error"], properties: { error: { type: "string" } } } },
  },
} as never);

const THINGS: SeenAnswer = {
  method: "GET",
  target: "/things?all=yes",
  status: 200,
  contentType: "application/json; charset=utf-8",
  body: '[{"name":"one"}]',
};
const REFUSED: SeenAnswer = {
  ...THINGS,
  status: 400,
  contentType: "application/json",
  body: '{"error":"no"}',
};

test.each<[string, Partial<SeenAnswer>]>([
  ["as it is documented", {}],
  ["of a path that has a name in it", { target: "/things/one", body: '{"name":"one"}' }],
  ["of a path that is nearer than that", { target: "/things/all", body: '"all"' }],
  ["without a body where none is documented", { method: "DELETE", status: 204, body: "" }],
  ["to HEAD, as to GET without the body", { method: "HEAD", body: "" }],
  ["whose body nobody looked at", { body: undefined }],
  [
    "of lines",
    { target: "/lines", contentType: "application/x-ndjson", body: '{"name":"a"}\n{"name":"b"}\n' },
  ],
  ["of a file, as whatever it was stored", { target: "/file", contentType: "image/png", body: "[" }],
  [
    "under a path of a service, whatever it is",
    { target: "/proxy/api/a/b", status: 501, body: '{"name":""}' },
  ],
  ["of a proxy call without a service", { target: "/proxy/", status: 501, body: '{"name":""}' }],
])("an answer %s is found right", (_, change) => {
  expect(faultsOf({ ...THINGS, ...change })).toEqual([]);
});

test.each<[string, Partial<SeenAnswer>, RegExp]>([
  ["a member missing", { body: "[{}]" }, /name/],
  ["another type of body", { body: '"things"' }, /array/],
  ["no JSON", { body: "[" }, /not JSON/],
  ["another content type", { contentType: "text/html" }, /text\/html is not documented/],
  ["no content type", { contentType: undefined }, /none is not documented/],
  ["a status that is not documented", { status: 201 }, /201 is not documented/],
  ["a status of other routes", { status: 404 }, /404 is not documented/],
  ["a method that is not documented", { method: "PUT" }, /PUT is not documented/],
  ["a path that is not documented", { target: "/other" }, /200 of no documented path/],
  ["a path that ends in nothing", { target: "/things/" }, /200 of no documented path/],
  ["a body where there is none", { method: "DELETE", status: 204, body: "x" }, /a body is not documented/],
  [
    "a second line that is wrong",
    { target: "/lines", contentType: "application/x-ndjson", body: '{"name":"a"}\n{}\n' },
    /name/,
  ],
  ["the nearer path's body for another", { target: "/things/one", body: '"all"' }, /object/],
  ["the further path's body for a nearer one", { target: "/things/all", body: '{"name":"all"}' }, /const/],
])("%s is found", (_, change, fault) => {
  expect(faultsOf({ ...THINGS, ...change }).join()).toMatch(fault);
});

test("what is refused before any route is right everywhere, and has the body of an error", () => {
  expect(faultsOf(REFUSED)).toEqual([]);
  expect(faultsOf({ ...REFUSED, status: 503, target: "/other" })).toEqual([]);
  expect(faultsOf({ ...REFUSED, method: "HEAD", contentType: undefined, body: "" })).toEqual([]);
  expect(faultsOf({ ...REFUSED, body: undefined })).toEqual([]);
  expect(faultsOf({ ...REFUSED, body: "{}" }).join()).toContain("error");
  expect(faultsOf({ ...REFUSED, contentType: "text/plain" })).toEqual(["the type is text/plain"]);
});

test("what has no route is refused as that only there", () => {
  for (const status of [404, 423]) {
    expect(faultsOf({ ...REFUSED, status, target: "/other" })).toEqual([]);
    expect(faultsOf({ ...REFUSED, status, method: "PUT" })).toEqual([]);
    expect(faultsOf({ ...REFUSED, status })).toEqual([`status ${status} is not documented`]);
  }
});

test("501 is the answer to an upgrade, and else only where it is documented", () => {
  const upgrade = { ...REFUSED, status: 501, body: '{"error":"no WebSocket is spoken here"}' };
  expect(faultsOf(upgrade)).toEqual([]);
  expect(faultsOf({ ...upgrade, target: "/other" })).toEqual([]);
  expect(faultsOf({ ...upgrade, method: "DELETE" })).toEqual(["status 501 is not documented"]);
  expect(faultsOf({ ...upgrade, body: '{"error":"not made yet"}' })).toEqual([
    "status 501 is not documented",
  ]);
  expect(faultsOf({ ...upgrade, body: undefined })).toEqual(["status 501 is not documented"]);
});
