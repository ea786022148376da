/** Fields that callers and upstreams send all the time (IANA HTTP Field Name Registry, and what official SDKs add). */
const USUAL_NAMES = [
  ...["Accept", "Accept-Encoding", "Accept-Language", "Accept-Ranges", "Access-Control-Allow-Origin", "Age"],
  ...["Allow", "Alt-Svc", "Api-Key", "Authorization", "Cache-Control", "CF-Cache-Status", "CF-RAY"],
  ...["Connection", "Content-Disposition", "Content-Encoding", "Content-Language", "Content-Length"],
  ...["Content-Location", "Content-Range", "Content-Security-Policy", "Content-Type", "Cookie", "Date"],
  ...["ETag", "Expect", "Expires", "Host", "Idempotency-Key", "If-Match", "If-Modified-Since"],
  ...["If-None-Match", "Keep-Alive", "Last-Modified", "Link", "Location", "Origin", "Pragma", "Range"],
  ...["Referer", "Retry-After", "Sec-Fetch-Mode", "Server", "Set-Cookie", "Strict-Transport-Security", "TE"],
  ...["Trailer", "Transfer-Encoding", "Upgrade", "User-Agent", "Vary", "Via", "X-Api-Key"],
  ...["X-Content-Type-Options", "X-Frame-Options", "X-Goog-Api-Key", "X-Request-Id", "X-Vault-Token"],
  ...["Anthropic-Beta", "Anthropic-Version", "OpenAI-Beta", "OpenAI-Organization", "OpenAI-Processing-Ms"],
  ...["OpenAI-Version", "Stripe-Version", "X-GitHub-Api-Version", "X-GitHub-Request-Id"],
  ...["X-RateLimit-Limit", "X-RateLimit-Remaining", "X-RateLimit-Reset", "X-RateLimit-Resource"],
  ...["X-RateLimit-Used", "X-Stainless-Arch", "X-Stainless-Lang", "X-Stainless-OS"],
  ...["X-Stainless-Package-Version", "X-Stainless-Retry-Count", "X-Stainless-Runtime"],
  ...["X-Stainless-Runtime-Version", "X-Stainless-Timeout"],
] as const;

/**
 * Those names, as they are usually written and in lower case, in lower case: a look-up costs half of what making another
 * text does, and what it gives is known to every set already.
 */
export const LOWER_CASE_OF_USUAL: ReadonlyMap<string, string> = new Map(
  USUAL_NAMES.flatMap((name) => {
    const lower = name.toLowerCase();
    return [
      [name, lower],
      [lower, lower],
    ];
  }),
);
