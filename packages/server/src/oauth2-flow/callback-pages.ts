import { createHash } from "node:crypto";
import { statusOf, type ErrorStatus } from "../errors/error-codes.js";
import type { FlowFailure, FlowFailureCode } from "./flow-failure.js";
import { FLOW_LIMITS } from "./flow-limits.js";
import { Markup, markup } from "./markup.js";

/** How a login in a browser ended, as far as the person who looks at the callback is told. */
export type CallbackOutcome =
  | {
      readonly kind: "done";
      readonly serviceName: string;
      /** Whether there was a service of that name before. */
      readonly replaced: boolean;
    }
  /** The provider said so; its texts may be anything. */
  | {
      readonly kind: "refused";
      readonly serviceName: string;
      readonly error: string;
      readonly description: string;
    }
  /** Expired, used, or never given out. */
  | { readonly kind: "unknown" }
  | { readonly kind: "locked" }
  | { readonly kind: "failed"; readonly serviceName: string; readonly failure: FlowFailure };

export interface CallbackPage {
  readonly status: 200 | 400 | 423 | ErrorStatus;
  readonly body: string;
  /** The page runs and loads nothing: its style is known by its hash (CSP Level 3 §2.3.1). */
  readonly contentSecurityPolicy: string;
}

const STYLE = `
:root { color-scheme: light dark; --back: #f4f5f7; --card: #fff; --text: #1c2024; --soft: #59616b; --line: #dde1e6; --good: #18794e; --bad: #c62a2f; }
@media (prefers-color-scheme: dark) { :root { --back: #111315; --card: #1b1e21; --text: #eceef0; --soft: #a3abb4; --line: #343a40; --good: #4cc38a; --bad: #ff8589; } }
* { box-sizing: border-box; }
body { margin: 0; min-height: 100vh; display: grid; place-items: center; padding: 1rem; background: var(--back); color: var(--text); font: 1rem/1.55 system-ui, sans-serif; }
main { width: 100%; max-width: 32rem; padding: 1.75rem 1.5rem; background: var(--card); border: 1px solid var(--line); border-top: 4px solid var(--bad); border-radius: 0.5rem; }
main.good { border-top-color: var(--good); }
h1 { margin: 0 0 0.75rem; font-size: 1.35rem; line-height: 1.3; }
p { margin: 0 0 0.75rem; overflow-wrap: anywhere; }
p:last-child { margin-bottom: 0; }
blockquote { margin: 0 0 0.75rem; padding: 0.5rem 0.75rem; border-left: 3px solid var(--line); color: var(--soft); overflow-wrap: anywhere; unicode-bidi: isolate; }
code { font-family: ui-monospace, monospace; font-size: 0.925em; }
small { color: var(--soft); font-size: 0.875rem; }
`;

const CONTENT_SECURITY_POLICY = [
  "default-src 'none'",
  `style-src 'sha256-${createHash("sha256").update(STYLE).digest("base64")}'`,
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join("; ");

export function callbackPage(outcome: CallbackOutcome): CallbackPage {
  switch (outcome.kind) {
    case "done":
      return page(
        200,
        "Login complete",
        markup`<p>The service <strong>${outcome.serviceName}</strong> ${outcome.replaced ? "was replaced, and " : ""}is ready to use. Its tokens are in the vault.</p>
          <p>You can close this window.</p>`,
      );
    case "refused":
      return page(
        400,
        "The login was refused",
        markup`<p>The provider gave no access for the service <strong>${outcome.serviceName}</strong>. It says:</p>
          <blockquote>${providerText(outcome)}</blockquote>
          ${howToStartAgain(outcome.serviceName)}`,
      );
    case "unknown":
      return page(
        400,
        "This login is not known any more",
        markup`<p>It took longer than five minutes, was completed or cancelled before, or did not begin at this vault.</p>
          ${howToStartAgain("SERVICE")}`,
      );
    case "locked":
      return page(
        423,
        "The vault is locked",
        markup`<p>Nothing was stored, and the login is forgotten. Unlock the vault with <code>vault-cli unlock</code> first.</p>
          ${howToStartAgain("SERVICE")}`,
      );
    case "failed":
      return page(
        statusOfFailure(outcome.failure.code),
        "The login could not be completed",
        markup`<p>The service <strong>${outcome.serviceName}</strong> was not stored:</p>
          <blockquote>${outcome.failure.error}</blockquote>
          ${howToStartAgain(outcome.serviceName)}
          <p><small>Code: <code>${outcome.failure.code}</code></small></p>`,
      );
  }
}

/** What could not be stored is our fault, an answer of another provider a bad request; all else is the provider's. */
function statusOfFailure(code: FlowFailureCode): CallbackPage["status"] {
  switch (code) {
    case "issuer_mismatch":
      return 400;
    case "internal":
    case "storage_failed":
    case "storage_full":
    case "unavailable":
      return statusOf(code);
    default:
      return 502;
  }
}

function howToStartAgain(service: string): Markup {
  return markup`<p>You can close this window. To start again: <code>vault-cli oauth login ${service}</code></p>`;
}

function providerText({ error, description }: { error: string; description: string }): string {
  const shorten = (text: string): string => {
    const characters = Array.from(text);
    const { shownCharacters } = FLOW_LIMITS;
    if (characters.length <= shownCharacters) return text;
    return `${characters.slice(0, shownCharacters).join("")}…`;
  };
  if (description === "") return shorten(error) || "nothing";
  return `${shorten(description)} (${shorten(error)})`;
}

function page(status: CallbackPage["status"], title: string, content: Markup): CallbackPage {
  const document = markup`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${title} – vault-proxy</title>
<style>${new Markup(STYLE)}</style>
</head>
<body>
<main class="${status === 200 ? "good" : "bad"}">
<h1>${title}</h1>
${content}
</main>
</body>
</html>
`;
  return { status, body: document.toString(), contentSecurityPolicy: CONTENT_SECURITY_POLICY };
}
