import { mkdir } from "node:fs/promises";
import { Agent } from "node:http";
import { join } from "node:path";
import { startServer, temporaryDirectory, type RunningServer } from "../live/processes.js";
import { startStreamingUpstream, type Upstream } from "../live/tls-upstream.js";
import { addService, call, makeToken, unlock, type Answered, type CallOptions } from "../live/vault-calls.js";

/** A caller with one connection, which it keeps: so one worker serves it. */
export interface Caller {
  call(method: string, target: string, options?: CallOptions): Promise<Answered>;
}

/** An unlocked server with two workers, and an API without TLS. */
export interface WorkerVault {
  readonly server: RunningServer;
  /** The server's directory for temporary files. */
  readonly temporary: string;
  readonly upstream: Upstream;
  readonly admin: string;
  readonly token: string;
  /** Process ids of the workers that have been ready, in that order. */
  readonly workers: () => number[];
  /** Two callers for each of two workers, each with its connection open. */
  callers(): Promise<Caller[]>;
  add(name: string, settings?: object): Promise<void>;
  /** An admin's request, which has to succeed. */
  admins(method: string, target: string, body?: object): Promise<Answered>;
  close(): Promise<void>;
}

type OnRequest = Parameters<typeof startStreamingUpstream>[1];

/** The API answers `/stream` with one piece and no end, `/slow` with two, and all else with what it was asked for. */
export const answerOrStream: OnRequest = (request, response) => {
  request.resume();
  if (request.url === "/stream") response.writeHead(200).write("first");
  else if (request.url === "/slow") {
    response.writeHead(200).write("one");
    setTimeout(() => response.end(", two"), 1000);
  } else request.on("end", () => response.end(request.url));
};

export async function startWorkerVault(
  onRequest: OnRequest = answerOrStream,
  options: { readonly flags?: readonly string[]; readonly env?: Record<string, string> } = {},
): Promise<WorkerVault> {
  const directory = await temporaryDirectory();
  const upstream = await startStreamingUpstream(undefined, onRequest);
  const flags = ["--workers", "2", ...(options.flags ?? [])];
  const temporary = join(directory.path, "tmp");
  await mkdir(temporary);
  const env = { TMPDIR: temporary, ...options.env };
  const server = await startServer({ derivation: "real", dataDir: join(directory.path, "data"), flags, env });
  const admin = await unlock(server);
  const agents: Agent[] = [];
  const newCaller = (): Caller => {
    const agent = new Agent({ keepAlive: true, maxSockets: 1 });
    agents.push(agent);
    return { call: (method, target, given) => call(server.address, method, target, { agent, ...given }) };
  };
  return {
    server,
    temporary,
    upstream,
    admin,
    token: await makeToken(server, admin),
    workers: () => [...server.log().matchAll(/worker ready worker=(\d+)/g)].map(([, pid]) => Number(pid)),
    async callers() {
      const callers = Array.from({ length: 4 }, newCaller);
      // One after the other: connections are dealt in turn.
      for (const each of callers) await each.call("GET", "/proxy/none");
      return callers;
    },
    add: (name, settings = {}) =>
      addService(server, admin, {
        ...{ name, base_url: upstream.origin, allow_private: true },
        ...{ auth: { type: "bearer", token: `secret-of-${name}-0123456789abcdef` }, ...settings },
      }),
    async admins(method, target, body) {
      const given = body === undefined ? {} : { body: JSON.stringify(body) };
      const answer = await call(server.address, method, target, { token: admin, ...given });
      if (answer.status >= 300) throw new Error(`${method} ${target}: ${answer.status} ${answer.text}`);
      return answer;
    },
    async close() {
      for (const agent of agents) agent.destroy();
      await server.stop();
      await upstream.close();
      await directory.remove();
    },
  };
}

/** How often each status was answered. */
export function countStatuses(answers: readonly Answered[]): Record<number, number> {
  const counts: Record<number, number> = {};
  for (const { status } of answers) counts[status] = (counts[status] ?? 0) + 1;
  return counts;
}
