import { randomBytes } from "node:crypto";
import type { IncomingMessage, ServerResponse } from "node:http";
import { gzipSync } from "node:zlib";
import type { Answer } from "./tls-upstream.js";

/** An application with a login, for cookies to be tried on. */
export interface SessionApp {
  readonly answer: Answer;
  /** Every session that there ever was, the latest last. */
  readonly issued: string[];
  /** The open answers of /log. */
  readonly streams: ServerResponse[];
}

/** Logs in at /login and out at /logout, shows the session at /me, sets what it is told at /set, streams at /log. */
export function createSessionApp(): SessionApp {
  const sessions = new Set<string>();
  const issued: string[] = [];
  const streams: ServerResponse[] = [];

  function newSession(): string {
    const session = `s:${randomBytes(24).toString("base64url")}`;
    issued.push(session);
    sessions.add(session);
    return session;
  }

  function answer(request: IncomingMessage, response: ServerResponse): void {
    const cookies = request.headers.cookie ?? "";
    const session = decodeURIComponent(/(?:^|; )sid=([^;]*)/.exec(cookies)?.[1] ?? "");
    const { pathname, searchParams } = new URL(request.url ?? "", "http://upstream");
    response.setHeader("Content-Type", "application/json");
    switch (pathname) {
      case "/login": {
        const fresh = newSession();
        response.setHeader("Set-Cookie", [
          `sid=${encodeURIComponent(fresh)}; Path=/; HttpOnly; Secure; SameSite=Lax; Max-Age=3600`,
          "lang=en; Path=/",
        ]);
        response.setHeader("X-Session", fresh);
        response.end(JSON.stringify({ session: fresh }));
        return;
      }
      case "/logout":
        sessions.delete(session);
        response.setHeader("Set-Cookie", "sid=; Path=/; Expires=Thu, 01 Jan 1970 00:00:00 GMT");
        response.end(JSON.stringify({ was: session }));
        return;
      case "/set":
        response.setHeader("Set-Cookie", searchParams.getAll("cookie"));
        // Node writes a head that goes out together with a string in that string's encoding.
        response.end(Buffer.from("{}"));
        return;
      case "/bulk":
        response.setHeader(
          "Set-Cookie",
          Array.from({ length: 2500 }, (_, i) => `c${i}=${i}`),
        );
        response.end("{}");
        return;
      case "/huge":
        response.setHeader("Set-Cookie", `big=${"x".repeat(100_000)}`);
        response.end("{}");
        return;
      case "/log":
        streams.push(response);
        response.setHeader("Content-Type", "text/event-stream");
        response.write(": begun\n\n");
        return;
      case "/zipped":
        response.setHeader("Content-Encoding", "gzip");
        response.end(gzipSync(JSON.stringify({ cookies })));
        return;
      case "/me":
        response.statusCode = sessions.has(session) ? 200 : 401;
        response.end(JSON.stringify({ cookies, session }));
        return;
      default:
        response.end(JSON.stringify({ count: cookies === "" ? 0 : cookies.split("; ").length }));
    }
  }

  return { answer, issued, streams };
}
