import { DatabaseError } from "pg-protocol";
import { Parser } from "pg-protocol/dist/parser.js";
import { expect, test } from "vitest";
import { errorResponse, readSqlState } from "./error-response.js";
import { messageParser } from "./message.js";
import { neverBreaks } from "./testing/broken-input.js";

const given = { sqlState: "08001", text: "the server refused the connection" };
const bodyOf = (bytes: Buffer): Buffer => messageParser(1000)(bytes)?.value.body ?? Buffer.alloc(0);

test("an ErrorResponse is understood by node-postgres", () => {
  const messages: unknown[] = [];
  new Parser().parse(errorResponse(given), (message: unknown) => messages.push(message));
  expect(messages[0]).toBeInstanceOf(DatabaseError);
  expect(messages).toMatchObject([{ severity: "FATAL", code: "08001", message: given.text }]);
});

test("of an ErrorResponse the SQLSTATE is read", () => {
  expect(readSqlState(bodyOf(errorResponse(given)))).toBe("08001");
  expect(readSqlState(Buffer.from("SFATAL\0Mno code\0\0"))).toBeUndefined();
});

test.each([
  ["no end", Buffer.from("SFATAL\0C28000\0")],
  ["a field without an end", Buffer.from("SFATAL")],
  ["nothing in it", Buffer.alloc(0)],
])("an ErrorResponse with %s is refused", (_name, body) => {
  expect(() => readSqlState(body)).toThrow(/message/);
});

test("an ErrorResponse of a hostile server breaks nothing", () => {
  neverBreaks(readSqlState, bodyOf(errorResponse(given)));
});
