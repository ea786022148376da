import { expect, test } from "vitest";

import { askApiPlace, askHeaderNames, askHostKey } from "./field-questions.js";
import { terminalContext } from "./testing/terminal-context.js";

const DOWN = "\u001b[B";
const CLEAR = "\u0015";

test.each([
  ["localhost:9912", "write http://localhost:9912"],
  ["api.example.com", "write https://api.example.com"],
  ["192.168.1.5/v1", "write http://192.168.1.5/v1"],
  ["ftp://foo", "must be an absolute https:// or http:// URL"],
  ["https://", "must be an absolute https:// or http:// URL"],
  ["http://user:pw@127.0.0.1:9912", "must not hold a user name or password"],
  ["https://api.example/?a=b", "must not hold a query or fragment"],
  ["http://169.254.169.254", "address not allowed"],
  ["https://api.example/{token}", "{token} is for services of type url"],
  [" ", "needed"],
])("the base URL %s is asked for again, and the question says %s", async (wrong, reason) => {
  const terminal = terminalContext("https://vault.example");
  const asked = askApiPlace(terminal.context, "bearer", undefined);
  await terminal.answer("Base URL", `${wrong}\r`);
  await terminal.answer(reason, `${CLEAR}https://api.example\r`);
  expect(await asked).toEqual({ baseUrl: "https://api.example", allowPrivate: undefined });
});

test("a token that stands in the URL needs its place there", async () => {
  const terminal = terminalContext("https://vault.example");
  const asked = askApiPlace(terminal.context, "url", undefined);
  await terminal.answer("Base URL", "https://api.example\r");
  await terminal.answer("write {token} where", "/bot{token}\r");
  expect(await asked).toMatchObject({ baseUrl: "https://api.example/bot{token}" });
});

test.each(["http://localhost:9912", "https://100.64.0.1", "https://2130706433"])(
  "who does not want calls to %s is asked for another address",
  async (url) => {
    const terminal = terminalContext("https://vault.example");
    const asked = askApiPlace(terminal.context, "bearer", undefined);
    await terminal.answer("Base URL", `${url}\r`);
    await terminal.answer("May calls go there", `${DOWN}\r`);
    await terminal.answer("Base URL", `${CLEAR}${url}/v1\r`);
    await terminal.answer("May calls go there", "\r");
    expect(await asked).toEqual({ baseUrl: `${url}/v1`, allowPrivate: true });
  },
);

test("what is no host key is asked for again, and nothing is none", async () => {
  const terminal = terminalContext("https://vault.example");
  const asked = askHostKey(terminal.context);
  await terminal.answer("Host key", "nonsense\r");
  await terminal.answer("is neither a public key", `${CLEAR}MD5:aa\r`);
  await terminal.answer("must be a SHA256 fingerprint", `${CLEAR}\r`);
  expect(await asked).toBeUndefined();
});

test("what cannot be the name of a header is asked for again", async () => {
  const terminal = terminalContext("https://vault.example");
  const asked = askHeaderNames(terminal.context, "header");
  await terminal.answer("Name of the header", "bad header\r");
  await terminal.answer("one name, without spaces", `${CLEAR}x(y\r`);
  await terminal.answer("x(y cannot be the name", `${CLEAR}x-key\r`);
  expect(await asked).toEqual(["x-key"]);
});
