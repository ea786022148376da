import { Agent, request } from "node:http";

const PACE_MS = 5;

/** What calls made one after another took, in ms. */
export interface Latency {
  readonly calls: number;
  readonly p50: number;
  readonly p99: number;
  readonly worst: number;
}

/** Calls a target over and over, as one busy agent does, until it is stopped. A call that is not answered 200 throws. */
export function watchLatency(address: string, target: string, token: string): { stop(): Promise<Latency> } {
  const { hostname, port } = new URL(address);
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });
  const taken: number[] = [];
  const stopping = new AbortController();

  const callOnce = (): Promise<number> =>
    new Promise((resolve, reject) => {
      const headers = { Authorization: `Bearer ${token}` };
      request({ agent, host: hostname, port, path: target, headers }, (response) => {
        response.resume().on("end", () => resolve(response.statusCode ?? 0));
      })
        .on("error", reject)
        .end();
    });

  const running = (async () => {
    while (!stopping.signal.aborted) {
      const began = performance.now();
      const status = await callOnce();
      if (status !== 200) throw new Error(`a proxied call was answered with ${status}`);
      taken.push(performance.now() - began);
      await new Promise((resolve) => setTimeout(resolve, PACE_MS));
    }
  })();
  // It is awaited when it is stopped.
  running.catch(() => undefined);

  return {
    async stop() {
      stopping.abort();
      try {
        await running;
      } finally {
        agent.destroy();
      }
      taken.sort((a, b) => a - b);
      const at = (share: number): number =>
        Number((taken[Math.min(taken.length - 1, Math.floor(taken.length * share))] ?? 0).toFixed(1));
      return { calls: taken.length, p50: at(0.5), p99: at(0.99), worst: at(1) };
    },
  };
}
