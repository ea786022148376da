import { describe, expect, test } from "vitest";
import { Secret } from "../redaction/secret.js";
import { isLocalLogin } from "./local-login.js";

const LOGIN = { username: "user", password: new Secret("password") };

describe("a local login", () => {
  test("is the user name and the password of the session", () => {
    expect(isLocalLogin({ username: "user", password: "password" }, LOGIN)).toBe(true);
  });

  test.each([
    ["user", "Password"],
    ["User", "password"],
    ["user", ""],
    ["", "password"],
    ["password", "user"],
    ["user", "password2"],
    ["userp", "assword"],
  ])("is not %j with %j", (username, password) => {
    expect(isLocalLogin({ username, password }, LOGIN)).toBe(false);
  });
});
