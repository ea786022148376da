import type { AnyAuthMethod, KeyboardInteractiveAuthMethod } from "ssh2";
import type { SshPrivateKey } from "../auth-strategies/ssh-private-key.js";
import type { Secret } from "../redaction/secret.js";

/** What a connection logs in with: one of the two. */
export interface LogInCredential {
  readonly user: string;
  readonly password: Secret | undefined;
  /** Already decrypted. */
  readonly privateKey: SshPrivateKey | undefined;
}

/** @returns the next attempt, false if there is none: the credential was refused */
export type NextMethod = (methodsLeft: readonly string[] | null, isPartial: boolean) => AnyAuthMethod | false;

/**
 * Chooses how to log in (RFC 4252 §5): with a key at once; with a password by whichever method the server has for it, and
 * by one only, so that a wrong one is counted once.
 */
export function chooseLogIn({ user: username, password, privateKey }: LogInCredential): NextMethod {
  let attempts = 0;
  return function nextMethod(methodsLeft, isPartial) {
    attempts += 1;
    // A server that wants a second factor gets none.
    if (isPartial) return false;
    if (privateKey !== undefined)
      return attempts === 1 ? { type: "publickey", username, key: privateKey } : false;
    // Which methods there are is told by the answer to an attempt with none (§5.2).
    if (attempts === 1) return { type: "none", username };
    if (attempts > 2 || password === undefined) return false;
    if (methodsLeft?.includes("password") === true)
      return { type: "password", username, password: password.reveal() };
    if (methodsLeft?.includes("keyboard-interactive") === true) return byPrompt(username, password.reveal());
    return false;
  };
}

/** The password answers one hidden prompt (RFC 4256 §3.2); nothing else is answered. */
function byPrompt(username: string, password: string): KeyboardInteractiveAuthMethod {
  let isGiven = false;
  return {
    type: "keyboard-interactive",
    username,
    prompt(_name, _instructions, _language, prompts, finish) {
      const [prompt] = prompts;
      const isPassword = !isGiven && prompts.length === 1 && prompt?.echo !== true;
      isGiven ||= isPassword;
      finish(isPassword ? [password] : prompts.map(() => ""));
    },
  };
}
