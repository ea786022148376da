import { describe, expect, test } from "vitest";
import { serializeCommand } from "./command.js";
import { judgeAuth, judgeHello, replyError, type Judgement } from "./login-command.js";
import { LOGIN } from "./testing/redis-session.js";

const PASSWORD = LOGIN.password.reveal();
const buffers = (args: readonly string[]): Buffer[] => args.map((arg) => Buffer.from(arg));
const auth = (args: readonly string[], login = true): Judgement =>
  judgeAuth({ name: "AUTH", args: buffers(args) }, login ? LOGIN : undefined);
const hello = (args: readonly string[], login = true, hasLoggedIn = false): Judgement =>
  judgeHello({ name: "HELLO", args: buffers(args) }, login ? LOGIN : undefined, hasLoggedIn);
const reply = ({ action }: Judgement): string => ("reply" in action ? action.reply.toString() : "forwarded");
const forwarded = (judgement: Judgement): string =>
  "forward" in judgement.action ? judgement.action.forward.toString() : reply(judgement);

describe("AUTH", () => {
  test.each([[[PASSWORD]], [["vault", PASSWORD]]])("logs in with the login of the session: %j", (args) => {
    expect(auth(args)).toMatchObject({ isLoggedIn: true });
    expect(reply(auth(args))).toBe("+OK\r\n");
  });

  test.each([
    [["wrong"]],
    [["vault", "wrong"]],
    [["other", PASSWORD]],
    [["", PASSWORD]],
    [["Vault", PASSWORD]],
    [["vault", `${PASSWORD} `]],
    [["vault", PASSWORD.slice(0, -1)]],
    [["vault", ""]],
    [[""]],
  ])("does not log in with another: %j", (args) => {
    expect(auth(args)).toMatchObject({ isLoggedIn: false });
    expect(reply(auth(args))).toMatch(/^-WRONGPASS [^\r\n]+\r\n$/);
  });

  test.each([[["any"]], [["any", "thing"]], [["", ""]]])("takes %j where no login is required", (args) => {
    expect(auth(args, false)).toMatchObject({ isLoggedIn: true });
  });

  test.each([[[]], [["vault", PASSWORD, "more"]]])("with %j is no command", (args) => {
    for (const login of [true, false]) {
      expect(auth(args, login)).toMatchObject({ isLoggedIn: false });
      expect(reply(auth(args, login))).toMatch(/^-ERR /);
    }
  });
});

describe("HELLO", () => {
  test.each([
    [["3", "AUTH", "vault", PASSWORD], ["3"]],
    [
      ["3", "auth", "vault", PASSWORD, "setname", "x"],
      ["3", "setname", "x"],
    ],
    [
      ["2", "SETNAME", "AUTH", "AUTH", "vault", PASSWORD],
      ["2", "SETNAME", "AUTH"],
    ],
    [["4", "AUTH", "vault", PASSWORD], ["4"]],
  ])("%j goes on without the credential", (args, expected) => {
    expect(hello(args)).toMatchObject({ isLoggedIn: true });
    expect(forwarded(hello(args))).toBe(serializeCommand("HELLO", ...expected).toString());
  });

  test("logs in with any credential where no login is required, or with none", () => {
    expect(forwarded(hello(["3", "AUTH", "a", "b"], false))).toBe(serializeCommand("HELLO", "3").toString());
    expect(forwarded(hello(["3"], false))).toBe(serializeCommand("HELLO", "3").toString());
    expect(forwarded(hello([], false))).toBe(serializeCommand("HELLO").toString());
  });

  test("needs no credential once the client has logged in", () => {
    expect(forwarded(hello(["3"], true, true))).toBe(serializeCommand("HELLO", "3").toString());
    expect(reply(hello(["3"]))).toMatch(/^-NOAUTH /);
    expect(reply(hello([]))).toMatch(/^-NOAUTH /);
  });

  test.each([
    [["3", "AUTH", "vault", "wrong"]],
    [["3", "AUTH", "wrong", PASSWORD]],
    [["3", "AUTH", "vault", PASSWORD, "AUTH", "vault", "wrong"]],
    [["3", "AUTH", "vault", "wrong", "AUTH", "vault", PASSWORD]],
  ])("%j does not log in, and does not go on", (args) => {
    for (const hasLoggedIn of [true, false]) {
      expect(hello(args, true, hasLoggedIn)).toMatchObject({ isLoggedIn: false });
      expect(reply(hello(args, true, hasLoggedIn))).toMatch(/^-WRONGPASS /);
    }
  });

  test.each([
    [["AUTH", "user", "secret"]],
    [["3x", "AUTH", "user", "secret"]],
    [["", "AUTH", "user", "secret"]],
    [["-3", "AUTH", "user", "secret"]],
    [["99999999999", "AUTH", "user", "secret"]],
    [["3", "AUTH", "secret"]],
    [["3", "AUTH"]],
    [["3", "SETNAME"]],
    [["3", "LOGIN", "user", "secret"]],
    [["3", "SETNAME", "x", "secret"]],
    [["3", "AUTH\0", "user", "secret"]],
  ])("credential smuggling: %j is not understood, and nothing of it goes on", (args) => {
    const judged = hello(args, false);
    expect(judged.isLoggedIn).toBe(false);
    expect(reply(judged)).toMatch(/^-ERR [^\r\n]+\r\n$/);
    expect(reply(judged)).not.toContain("secret");
  });
});

test("reply splitting: an error is one line", () => {
  expect(replyError("ERR", "one\r\n+OK\r\ntwo\nthree\r").toString()).toBe("-ERR one +OK two three \r\n");
});
