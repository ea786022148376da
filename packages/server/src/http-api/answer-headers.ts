import type { Context, MiddlewareHandler } from "hono";

/** On every answer that the vault itself makes: nothing of it is to be kept, guessed at, framed or run. */
const ANSWER_HEADERS = Object.entries({
  "Cache-Control": "no-store",
  "X-Content-Type-Options": "nosniff",
  "X-Frame-Options": "DENY",
  "Content-Security-Policy": "default-src 'none'",
  "Referrer-Policy": "no-referrer",
});

export interface AnswerHeaderOptions {
  readonly requestIdOf: (c: Context) => string;
  readonly answerError: (c: Context, thrown: unknown) => Response;
}

/** The outermost middleware: sets the vault's headers on whatever the others answered or threw. */
export function answerHeaders(options: AnswerHeaderOptions): MiddlewareHandler {
  return async function setAnswerHeaders(c, next) {
    try {
      await next();
    } catch (thrown) {
      // Hono gives its error handler instances of Error only; a library may throw anything.
      c.res = options.answerError(c, thrown);
    }
    for (const [name, value] of ANSWER_HEADERS) {
      // A page of our own says which style is its own, and refuses all else too.
      if (name === "Content-Security-Policy" && c.res.headers.has(name)) continue;
      c.header(name, value);
    }
    c.header("X-Vault-Request-Id", options.requestIdOf(c));
  };
}
