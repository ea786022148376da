import { format, inspect } from "node:util";
import { expect, test } from "vitest";
import { Secret } from "./secret.js";

test("a secret cannot be printed in any of the usual ways", () => {
  const secret = new Secret("hunter2-hunter2");
  const prints = [
    JSON.stringify({ secret }),
    "".concat(secret as unknown as string),
    String(secret),
    ["", secret].join(""),
    inspect(secret),
    inspect({ deep: [secret] }, { showHidden: true, depth: 9 }),
    format("%s %o %O %j", secret, secret, secret, secret),
    Object.entries(secret).join(),
    JSON.stringify(Object.assign({}, secret)),
  ];
  for (const print of prints) expect(print).not.toContain("hunter2");
  expect(secret.reveal()).toBe("hunter2-hunter2");
});
