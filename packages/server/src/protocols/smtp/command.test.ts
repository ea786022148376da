import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { parseCommand } from "./command.js";

describe("a command", () => {
  test.each([
    ["EHLO client.test", { verb: "EHLO", argument: "client.test" }],
    ["ehlo client.test", { verb: "EHLO", argument: "client.test" }],
    ["QUIT", { verb: "QUIT", argument: "" }],
    ["QUIT  ", { verb: "QUIT", argument: "" }],
    ["AUTH  PLAIN AGEAYg== ", { verb: "AUTH", argument: "PLAIN AGEAYg==" }],
    ["XFORWARD NAME=a", { verb: "XFORWARD", argument: "NAME=a" }],
  ])("is read from %j", (line, command) => {
    expect(parseCommand(Buffer.from(line))).toEqual(command);
  });

  test.each([
    "",
    " EHLO a",
    "GET / HTTP/1.1",
    "Host: 127.0.0.1",
    "Content-Type: text/plain",
    "EHLO\ta",
    "MAIL2 a",
  ])("is not what %j is", (line) => {
    expect(parseCommand(Buffer.from(line))).toBeUndefined();
  });

  test("has a verb of letters, whatever the line is", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 40 }), (line) => {
        const command = parseCommand(Buffer.from(line));
        if (command !== undefined) expect(command.verb).toMatch(/^[A-Z]{4,10}$/);
      }),
    );
  });
});
