/** What Deno has beside the web's own. */
interface DenoGlobal {
  readonly createHttpClient?: (options: { readonly poolMaxIdlePerHost: number }) => object;
}

/**
 * The platform's fetch; on Deno over connections that are not used again: a request on one that breaks, a POST too, is
 * sent once more by Deno itself (2.9).
 */
export function platformFetch(): typeof fetch {
  const { Deno } = globalThis as { readonly Deno?: DenoGlobal };
  const client = Deno?.createHttpClient?.({ poolMaxIdlePerHost: 0 });
  return (input, init) => fetch(input, client === undefined ? init : ({ ...init, client } as RequestInit));
}
