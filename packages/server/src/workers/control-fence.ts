/** As `@hono/node-server` calls what serves a request. */
export type ControlFetch = (request: Request, bindings?: unknown) => Response | Promise<Response>;

export interface Fence {
  /** The workers were told something. */
  told(): void;
  around(fetch: ControlFetch): ControlFetch;
}

export interface FenceParts {
  /** Resolves when the workers have said all they had to say, and have done all they were told. */
  readonly caughtUp: () => Promise<void>;
}

/** What tells of calls: what workers did before it was asked belongs into the answer. */
const TELLS_OF_CALLS = /^\/(?:audit|metrics|health|tokens)/;

/** Without a token nobody is told anything of them. */
function tellsOfCalls({ url, headers }: Request): boolean {
  return headers.has("authorization") && TELLS_OF_CALLS.test(new URL(url).pathname);
}

/**
 * Makes the control plane one with the workers: whoever asks what was done hears of what they had done by then, and what
 * a request has changed holds in all of them when it is answered.
 */
export function createFence({ caughtUp }: FenceParts): Fence {
  let told = 0;
  let done = 0;
  return {
    told() {
      told += 1;
    },
    around: (fetch) => async (request, bindings) => {
      if (tellsOfCalls(request)) await caughtUp();
      try {
        return await fetch(request, bindings);
      } finally {
        const before = told;
        if (before > done) {
          await caughtUp();
          done = Math.max(done, before);
        }
      }
    },
  };
}
