/** What the bench tells each of its proxies, by the environment. */

/** By the first part of a path: where its calls go. Either may be missing. */
export const origins = Object.fromEntries(
  [
    ["plain", process.env.PLAIN],
    ["tls", process.env.TLS],
  ].filter(([, origin]) => origin !== undefined),
);

export function tellAddress({ port }) {
  process.stdout.write(`listening on http://127.0.0.1:${port}\n`);
}
