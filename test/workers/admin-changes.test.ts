import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { eventually, wait } from "../live/raw-sockets.js";
import { startStreamingUpstream, type Upstream } from "../live/tls-upstream.js";
import { makeToken, open, unlock } from "../live/vault-calls.js";
import { startWorkerVault, type Caller, type WorkerVault } from "./worker-vault.js";

let vault: WorkerVault;
let other: Upstream;
let callers: Caller[];

beforeAll(async () => {
  vault = await startWorkerVault();
  other = await startStreamingUpstream(undefined, (_request, response) => response.end("the other"));
});

afterAll(async () => {
  await vault.close();
  await other.close();
});

beforeEach(async () => {
  callers = await vault.callers();
  await vault.add("api");
});

const statuses = async (token: string, target = "/proxy/api/x"): Promise<number[]> =>
  (await Promise.all(callers.map((each) => each.call("GET", target, { token })))).map(({ status }) => status);
const everywhere = (status: number): number[] => callers.map(() => status);

/** Answers that have begun and do not end, at both workers; tells which of them were broken off. */
async function streams(token: string): Promise<{ broken: () => number }> {
  let broken = 0;
  for (let each = 0; each < 4; each += 1) {
    const answer = await open(vault.server.address, "GET", "/proxy/api/stream", { token });
    expect(answer.statusCode).toBe(200);
    answer.on("error", () => (broken += 1)).resume();
  }
  return { broken: () => broken };
}

test("a lock holds in every worker when it is answered, for calls that run too", async () => {
  const running = await streams(vault.token);
  expect(await statuses(vault.token)).toEqual(everywhere(200));
  await vault.admins("POST", "/auth/lock", {});
  expect(await statuses(vault.token)).toEqual(everywhere(423));
  await eventually(() => running.broken() === 4);
  await unlock(vault.server);
  expect(await statuses(vault.token)).toEqual(everywhere(200));
});

test("a revocation holds in every worker when it is answered, for calls that run too", async () => {
  const token = await makeToken(vault.server, vault.admin);
  const running = await streams(token);
  await vault.admins("DELETE", `/tokens/${token}`);
  expect(await statuses(token)).toEqual(everywhere(401));
  await eventually(() => running.broken() === 4);
  expect(await statuses(vault.token)).toEqual(everywhere(200));
});

test("a token is good in every worker as soon as it was made, and no longer than it may be", async () => {
  const token = await makeToken(vault.server, vault.admin, { ttl: "2s" });
  expect(await statuses(token)).toEqual(everywhere(200));
  const running = await streams(token);
  await wait(2_000);
  expect(await statuses(token)).toEqual(everywhere(401));
  await eventually(() => running.broken() === 4);
});

test("a service that is changed, and one that is deleted, is so in every worker", async () => {
  expect(await statuses(vault.token)).toEqual(everywhere(200));
  for (let turn = 0; turn < 5; turn += 1) {
    const { origin } = turn % 2 === 0 ? other : vault.upstream;
    await vault.add("api", { base_url: origin });
    const answers = await Promise.all(
      callers.map((each) => each.call("GET", "/proxy/api/x", { token: vault.token })),
    );
    expect(answers.map(({ text }) => text)).toEqual(callers.map(() => (turn % 2 === 0 ? "the other" : "/x")));
  }
  await vault.add("api");
  const running = await streams(vault.token);
  await vault.admins("DELETE", "/services/api");
  expect(await statuses(vault.token)).toEqual(everywhere(404));
  await eventually(() => running.broken() === 4);
});

test("a policy holds in every worker when its change is answered, for calls that run too", async () => {
  const policy = { name: "p", rules: [{ service: "api", paths: ["/x", "/stream"] }] };
  await vault.admins("POST", "/policies", policy);
  const token = await makeToken(vault.server, vault.admin, { policy: "p" });
  const running = await streams(token);
  expect(await statuses(token)).toEqual(everywhere(200));
  expect(await statuses(token, "/proxy/api/y")).toEqual(everywhere(403));
  await vault.admins("PUT", "/policies/p", { rules: [{ service: "api", paths: ["/y"] }] });
  expect(await statuses(token)).toEqual(everywhere(403));
  expect(await statuses(token, "/proxy/api/y")).toEqual(everywhere(200));
  await eventually(() => running.broken() === 4);
});
