import { once } from "node:events";
import { connect } from "node:net";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import { REDIS_USERS, startRedis, type RunningRedis } from "../real-servers/redis.js";
import { startLiveVault, type LiveVault } from "./live-vault.js";
import { cli, PASSWORD } from "./processes.js";
import { parsePrometheusText, valueOf, type Family } from "./prometheus-text.js";
import { addService, call, makeToken, unlock, type Answered } from "./vault-calls.js";

const OTHER_SECRET = "secret-of-the-second-service-9876543210";
const SECRET = "metrics-upstream-secret-0123456789";
/** Of docs/metrics.md. */
const LABELLED_SERVICES = 500;

let live: LiveVault;
let redis: RunningRedis;
let address: string;
let metricsToken: string;

beforeAll(async () => {
  [live, redis] = await Promise.all([
    startLiveVault({
      answer(request, response) {
        const status = Number(/\/status\/(\d+)/.exec(request.url ?? "")?.[1] ?? 200);
        response.writeHead(status).end("0123456789");
      },
    }),
    startRedis(),
  ]);
  address = live.server.address;
  metricsToken = await makeToken(live.server, live.admin, { scope: "metrics", name: "prometheus" });
  await live.addService("api", { type: "bearer", token: SECRET });
  await live.addService("second", { type: "bearer", token: OTHER_SECRET });
  await addService(live.server, live.admin, {
    ...{ name: "cache", allow_private: true },
    auth: {
      ...{ type: "redis", redis_host: "127.0.0.1", redis_port: redis.port },
      ...{ redis_username: "app_user", redis_password: REDIS_USERS.app_user.password },
    },
  });
});
afterAll(async () => {
  await live.close();
  await redis.stop();
});

const scrape = (token = metricsToken): Promise<Answered> => call(address, "GET", "/metrics", { token });

async function metrics(): Promise<Map<string, Family>> {
  const answer = await scrape();
  expect(answer.status).toBe(200);
  return parsePrometheusText(answer.text);
}

/** What `work` adds to a counter; looked at until it is what is expected, since a call is counted when it has ended. */
async function expectAdded(
  expected: readonly (readonly [name: string, labels: Record<string, string>, by: number])[],
  work: () => Promise<unknown>,
): Promise<void> {
  const before = await metrics();
  await work();
  await vi.waitFor(async () => {
    const after = await metrics();
    const added = expected.map(
      ([name, labels]) =>
        [name, labels, valueOf(after, name, labels) - valueOf(before, name, labels)] as const,
    );
    expect(added).toEqual(expected);
  }, 5000);
}

const calls = "vault_proxy_calls_total";

describe("counts", () => {
  test("calls by class of status, their bytes, and the time that they take", async () => {
    const api = { service: "api" };
    await expectAdded(
      [
        [calls, { ...api, plane: "http", status: "2xx", code: "none" }, 3],
        [calls, { ...api, plane: "http", status: "4xx", code: "none" }, 2],
        [calls, { ...api, plane: "http", status: "5xx", code: "none" }, 1],
        [calls, api, 6],
        ["vault_proxy_bytes_total", { ...api, direction: "in" }, 15],
        ["vault_proxy_bytes_total", { ...api, direction: "out" }, 60],
        ["vault_proxy_upstream_seconds_count", api, 6],
        ["vault_proxy_added_seconds_count", {}, 6],
        ["vault_proxy_connection_wait_seconds_count", {}, 6],
      ],
      async () => {
        for (const path of ["x", "y", "status/404", "status/401", "status/500"]) {
          await call(address, "GET", `/proxy/api/${path}`, { token: live.token });
        }
        await call(address, "POST", "/proxy/api/x", { token: live.token, body: "fifteen bytes.." });
      },
    );
  });

  test("what the vault refuses, by the code of its refusal", async () => {
    await expectAdded(
      [
        [calls, { service: "api", status: "4xx", code: "unauthorized" }, 2],
        [calls, { service: "_other", status: "4xx", code: "not_found" }, 1],
        [calls, { service: "api", status: "4xx", code: "secret_in_request" }, 1],
        ["vault_proxy_denials_total", { reason: "unauthorized" }, 3],
        ["vault_proxy_denials_total", { reason: "forbidden" }, 2],
        ["vault_proxy_denials_total", { reason: "secret_in_request" }, 1],
        ["vault_proxy_listener_refusals_total", { code: "forbidden" }, 1],
        ["vault_proxy_upstream_seconds_count", {}, 0],
      ],
      async () => {
        await call(address, "GET", "/proxy/api/x");
        await call(address, "GET", "/proxy/api/x", { token: `tok_${"A".repeat(43)}` });
        await call(address, "GET", "/services");
        await call(address, "GET", "/tokens", { token: live.token });
        await call(address, "GET", "/proxy/api/x", { token: metricsToken });
        await call(address, "GET", "/proxy/there-is-none/x", { token: live.token });
        await call(address, "GET", `/proxy/api/${OTHER_SECRET}`, { token: live.token });
        await call(address, "GET", "/services", { headers: { Origin: "https://evil.example" } });
      },
    );
  });

  test("what policies refuse, and which of their limits", async () => {
    const token = await makeToken(live.server, live.admin, {
      policy: { rules: [{ service: "api", methods: ["GET"] }], limits: { max_uses: 2 } },
    });
    await expectAdded(
      [
        [calls, { service: "api", status: "2xx" }, 2],
        [calls, { service: "api", code: "rate_limited" }, 3],
        [calls, { service: "api", code: "policy_denied" }, 1],
        ["vault_proxy_denials_total", { reason: "policy_denied" }, 1],
        ["vault_proxy_denials_total", { reason: "rate_limited" }, 3],
        ["vault_proxy_limit_denials_total", { limit: "max_uses" }, 3],
      ],
      async () => {
        await call(address, "POST", "/proxy/api/x", { token, body: "{}" });
        for (let use = 0; use < 5; use += 1) await call(address, "GET", "/proxy/api/x", { token });
      },
    );
  });

  test("sessions and what goes through them, attempts to unlock, saves and lines of the audit log", async () => {
    const protocol = { protocol: "redis" };
    await expectAdded(
      [
        [calls, { service: "cache", plane: "session", status: "2xx" }, 1],
        ["vault_proxy_sessions_opened_total", protocol, 1],
        ["vault_proxy_sessions_ended_total", protocol, 1],
        ["vault_proxy_session_connections_total", { ...protocol, outcome: "ok" }, 1],
        ["vault_proxy_session_bytes_total", { ...protocol, direction: "in" }, 6],
        ["vault_proxy_session_bytes_total", { ...protocol, direction: "out" }, 7],
        ["vault_proxy_sessions_open", protocol, 0],
        ["vault_proxy_unlock_attempts_total", { outcome: "ok" }, 1],
        ["vault_proxy_vault_saves_total", { outcome: "ok" }, 1],
        ["vault_proxy_vault_save_seconds_count", {}, 1],
        ["vault_proxy_tokens", {}, 1],
        ["vault_proxy_audit_failing", {}, 0],
      ],
      async () => {
        const opened = (
          await call(address, "POST", "/redis/cache/session", { token: live.token, body: "{}" })
        ).json as { id: string; addr: string };
        const open = await metrics();
        expect(valueOf(open, "vault_proxy_sessions_open", protocol)).toBe(1);
        const [host, port] = opened.addr.split(":");
        const client = connect({ host: host ?? "", port: Number(port) });
        client.write("PING\r\n");
        await once(client, "data");
        client.end();
        await once(client, "close");
        await call(address, "DELETE", `/sessions/${opened.id}`, { token: live.admin });
        await unlock(live.server);
      },
    );
    const now = await metrics();
    expect(valueOf(now, "vault_proxy_audit_lines_total")).toBeGreaterThan(10);
    expect(valueOf(now, "vault_proxy_event_loop_lag_seconds_count")).toBeGreaterThan(10);
    expect(valueOf(now, "process_resident_memory_bytes")).toBeGreaterThan(10_000_000);
  });
});

describe("tokens of scope metrics", () => {
  test("may read metrics and health, and nothing else", async () => {
    const token = metricsToken;
    const answer = await scrape();
    expect(answer.headers["content-type"]).toBe("text/plain; version=0.0.4; charset=utf-8");
    expect((await call(address, "GET", "/health", { token })).json).toEqual(
      (await call(address, "GET", "/health")).json,
    );
    for (const [method, target] of [
      ...[
        ["GET", "/services"],
        ["GET", "/services/api"],
        ["GET", "/health/tokens"],
        ["GET", "/tokens"],
      ],
      ...[
        ["POST", "/tokens/self/children"],
        ["POST", "/tokens"],
        ["GET", "/sessions"],
        ["GET", "/audit"],
      ],
      ...[
        ["GET", "/proxy/api/x"],
        ["GET", "/proxy/there-is-none/x"],
        ["POST", "/redis/cache/session"],
      ],
      ...[
        ["POST", "/ssh/box/exec"],
        ["POST", "/auth/lock"],
        ["GET", "/policies"],
      ],
    ] as [string, string][]) {
      const refused = await call(address, method, target, {
        token,
        ...(method === "POST" ? { body: "{}" } : {}),
      });
      expect(refused, `${method} ${target}`).toMatchObject({ status: 403, json: { code: "forbidden" } });
    }
  });

  test("are the only ones beside admins that read metrics", async () => {
    expect((await scrape(live.admin)).status).toBe(200);
    expect(await scrape(live.token)).toMatchObject({ status: 403, json: { code: "forbidden" } });
    expect((await call(address, "GET", "/metrics")).status).toBe(401);
    expect((await scrape(`tok_${"A".repeat(43)}`)).status).toBe(401);
  });

  test("take no policy", async () => {
    const body = JSON.stringify({ scope: "metrics", policy: { rules: [] } });
    const answer = await call(address, "POST", "/tokens", { token: live.admin, body });
    expect(answer).toMatchObject({ status: 400, json: { code: "invalid_request" } });
  });
});

describe("health", () => {
  test("shows its details to admins only", async () => {
    const plain = { status: "unlocked", initialized: true, version: expect.any(String) as string };
    for (const token of [live.token, metricsToken, "nonsense", undefined]) {
      const answer = await call(address, "GET", "/health", token === undefined ? {} : { token });
      expect(answer).toMatchObject({ status: 200 });
      expect(answer.json).toEqual(plain);
    }
    const { details } = (await call(address, "GET", "/health", { token: live.admin })).json as {
      details: Record<string, unknown>;
    };
    expect(details).toMatchObject({
      node_version: process.version,
      services: 3,
      vault: { backup_present: true },
      audit: { state: "on" },
      refresh_failures: 0,
    });
    expect(Date.parse(String(details.unlocked_at))).toBeGreaterThanOrEqual(
      Date.parse(String(details.started_at)),
    );
  });

  test("is shown by the command line, as metrics are", async () => {
    const env = { VAULT_ADDR: address, VAULT_TOKEN: live.admin };
    const health = await cli(["health", "--details"], { env });
    expect(health.stdout.split("\n")[0]).toBe("vault: unlocked");
    expect(health.stdout).toContain("services: 3");
    const shown = await cli(["metrics"], { env: { ...env, VAULT_TOKEN: metricsToken } });
    expect(valueOf(parsePrometheusText(shown.stdout), "vault_proxy_services")).toBe(3);
    const made = await cli(["token", "create", "metrics"], { env });
    expect((await scrape(made.stdout.trim())).status).toBe(200);
  });
});

describe("labels", () => {
  test("are of services that there are, and of no more than the limit; those of removed services go", async () => {
    for (let batch = 0; batch < 2000; batch += 100) {
      await Promise.all(
        Array.from({ length: 100 }, (_, index) =>
          call(address, "GET", `/proxy/unknown-${batch + index}/x`, { token: live.token }),
        ),
      );
    }
    const serviceLabels = async (): Promise<string[]> => [
      ...new Set((await metrics()).get(calls)?.samples.map(({ labels }) => labels.service ?? "")),
    ];
    expect((await serviceLabels()).toSorted()).toEqual(["_other", "api", "cache"]);

    const many = Array.from({ length: LABELLED_SERVICES + 20 }, (_, index) => `many-${index}`);
    const inBatches = async (task: (name: string) => Promise<unknown>): Promise<void> => {
      for (let start = 0; start < many.length; start += 20) {
        await Promise.all(many.slice(start, start + 20).map(task));
      }
    };
    // Without a token: what is refused is counted for the service that it names, and no upstream is asked.
    await inBatches(async (name) => {
      await addService(live.server, live.admin, {
        ...{ name, base_url: "https://api.example.com" },
        auth: { type: "bearer", token: `${SECRET}-${name}` },
      });
      await call(address, "GET", `/proxy/${name}/x`);
    });
    expect((await serviceLabels()).filter((label) => !label.startsWith("_"))).toHaveLength(LABELLED_SERVICES);

    await inBatches((name) => call(address, "DELETE", `/services/${name}`, { token: live.admin }));
    expect((await serviceLabels()).toSorted()).toEqual(["_other", "api", "cache"]);
  });
});

test("nothing secret is in the text, and a locked vault shows none", async () => {
  await call(address, "GET", "/proxy/api/path-of-a-caller?q=query-of-a-caller", { token: live.token });
  const { text } = await scrape();
  for (const secret of [
    ...[SECRET, OTHER_SECRET, live.token, live.admin, metricsToken, PASSWORD, REDIS_USERS.app_user.password],
    ...["tok_", "path-of-a-caller", "query-of-a-caller", "prometheus", "127.0.0.1"],
  ]) {
    expect(text).not.toContain(secret);
  }
  await call(address, "POST", "/auth/lock", { token: live.admin });
  expect(await scrape()).toMatchObject({ status: 423, json: { code: "vault_locked" } });
  const locked = await call(address, "GET", "/health", { token: live.admin });
  expect(locked.json).toEqual({ status: "locked", initialized: true, version: expect.any(String) as string });
});
