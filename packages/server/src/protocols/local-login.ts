import { createHash, timingSafeEqual } from "node:crypto";
import type { LocalLogin } from "./session-driver.js";

/** What a client logged in with. */
export interface GivenLogin {
  readonly username: string;
  readonly password: string;
}

/** Whether a client gave what it must. How long that takes tells nothing about how much of it was right. */
export function isLocalLogin(given: GivenLogin, login: LocalLogin): boolean {
  const isUser = isSame(given.username, login.username);
  const isPassword = isSame(given.password, login.password.reveal());
  return isUser && isPassword;
}

/** In a time that does not tell how much is the same. */
export function isSame(left: string, right: string): boolean {
  return timingSafeEqual(digest(left), digest(right));
}

function digest(text: string): Buffer {
  return createHash("sha256").update(text).digest();
}
