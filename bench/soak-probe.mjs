/** Loaded into the server by `soak.mjs`: tells on SIGUSR2, on standard output, what the process holds. */
process.on("SIGUSR2", () => {
  globalThis.gc?.();
  const { heapUsed, external, arrayBuffers, rss } = process.memoryUsage();
  const resources = {};
  for (const name of process.getActiveResourcesInfo()) resources[name] = (resources[name] ?? 0) + 1;
  process.stdout.write(`${JSON.stringify({ heapUsed, external, arrayBuffers, rss, resources })}\n`);
});
