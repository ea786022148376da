import { once } from "node:events";
import { connect } from "node:net";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { startLineServer, type LineServer } from "../tcp-sessions/testing/line-server.js";
import { startControlPlane, type ControlPlaneFixture } from "./testing/control-plane-fixture.js";

let fixture: ControlPlaneFixture;
let server: LineServer;

interface Opened {
  readonly id: string;
  readonly addr: string;
  readonly expires_at: string;
  readonly url: string;
  readonly username?: string;
  readonly password?: string;
}

beforeAll(async () => {
  fixture = await startControlPlane();
  server = await startLineServer();
  const added = await fixture.call("POST", "/services", { token: fixture.admin, json: service() });
  expect(added.status).toBe(201);
});
afterAll(async () => {
  await fixture.close();
  await server.close();
});

function service(settings: object = {}, auth: object = {}): object {
  return {
    name: "cache",
    allow_private: true,
    auth: {
      ...{ type: "redis", redis_host: "127.0.0.1", redis_port: server.port },
      redis_password: "secret-password",
      ...auth,
    },
    ...settings,
  };
}

const open = async (query = "", options: object = {}): Promise<Opened> => {
  const answer = await fixture.call("POST", `/redis/cache/session${query}`, {
    token: fixture.proxy,
    ...options,
  });
  expect(answer.status, JSON.stringify(answer.json)).toBe(200);
  return answer.json as Opened;
};

describe("opening a session", () => {
  test("answers where the client may connect and until when, and needs no body", async () => {
    const opened = await open();
    expect(opened.addr).toMatch(/^127\.0\.0\.1:\d+$/);
    expect(Date.parse(opened.expires_at) - fixture.parts.clock()).toBe(30_000);
    expect(opened.url).toBe(`line://${opened.addr}`);
    expect(Object.keys(opened).sort()).toEqual(["addr", "expires_at", "id", "url"]);
    const [host, port] = opened.addr.split(":");
    const socket = connect(Number(port), host);
    socket.write("hello\n");
    const [chunk] = (await once(socket, "data")) as [Buffer];
    expect(chunk.toString()).toBe("ready\n");
    socket.destroy();
  });

  test("answers a login where clients must have one", async () => {
    const opened = await open("?timeout=300", { json: { require_password: true, max_connections: 1 } });
    expect(opened.username).toBe("vault");
    expect(opened.url).toBe(`line://vault:${opened.password ?? ""}@${opened.addr}`);
    expect(Date.parse(opened.expires_at) - fixture.parts.clock()).toBe(300_000);
  });

  test.each([
    ["?timeout=0", {}, "timeout"],
    ["?timeout=1.5", {}, "timeout"],
    ["?timeout=301", {}, "timeout"],
    ["?timeout=abc", {}, "timeout"],
    ["?time=10", {}, "time"],
    ["", { max_connections: 0 }, "max_connections"],
    ["", { max_connections: 1001 }, "max_connections"],
    ["", { max_connections: "2" }, "max_connections"],
    ["", { require_password: "yes" }, "require_password"],
    ["", { idle_timeout: "1ms" }, "idle_timeout"],
    ["", { idle_timeout: "25h" }, "idle_timeout"],
    ["", { idle_timeout: 5 }, "idle_timeout"],
    ["", { any_local_user: true }, "any_local_user"],
  ])("%s %j is refused and names the field", async (query, json, field) => {
    const answer = await fixture.call("POST", `/redis/cache/session${query}`, { token: fixture.proxy, json });
    expect(answer.status).toBe(400);
    expect(answer.json).toMatchObject({
      code: "invalid_request",
      error: expect.stringContaining(field) as string,
    });
  });

  test("a service of another kind says what it is", async () => {
    const answer = await fixture.call("POST", "/imap/cache/session", { token: fixture.proxy });
    expect([answer.status, answer.json]).toEqual([
      400,
      { code: "invalid_request", error: "service cache is of type redis, not imap" },
    ]);
    expect((await fixture.call("POST", "/redis/nope/session", { token: fixture.proxy })).status).toBe(404);
    expect((await fixture.call("POST", "/redis/cache/session")).status).toBe(401);
  });
});

describe("the list of sessions", () => {
  test("shows an admin all, and others their own, and no password", async () => {
    const { json } = await fixture.call("POST", "/tokens", { token: fixture.admin });
    const { id: other } = json as { id: string };
    const mine = await open("", { json: { require_password: true } });
    const theirs = await open("", { token: other });
    const list = async (token: string): Promise<string[]> => {
      const answer = await fixture.call("GET", "/sessions", { token });
      expect(JSON.stringify(answer.json)).not.toContain(mine.password);
      return (answer.json as { id: string }[]).map(({ id }) => id);
    };
    expect(await list(other)).toEqual([theirs.id]);
    expect(await list(fixture.proxy)).toContain(mine.id);
    expect(await list(fixture.proxy)).not.toContain(theirs.id);
    expect(await list(fixture.admin)).toEqual(expect.arrayContaining([mine.id, theirs.id]));

    const refused = await fixture.call("DELETE", `/sessions/${mine.id}`, { token: other });
    expect(refused.status).toBe(404);
    const closed = await fixture.call("DELETE", `/sessions/${theirs.id}`, { token: other });
    expect([closed.status, closed.json]).toEqual([200, { status: "closed" }]);
    expect(await list(other)).toEqual([]);
    expect((await fixture.call("DELETE", `/sessions/${mine.id}`, { token: fixture.admin })).status).toBe(200);
    expect((await fixture.call("DELETE", `/sessions/${mine.id}`, { token: fixture.admin })).status).toBe(404);
  });
});

describe("a service that sessions are for", () => {
  const store = (json: object) => fixture.call("POST", "/services", { token: fixture.admin, json });

  test("needs no base_url, keeps none, and shows where its server is and how sessions are", async () => {
    const answer = await store(
      service({
        ...{ name: "described", base_url: "redis://ignored", idle_timeout: "5m" },
        ...{ max_connections: 5, require_password: true, any_local_user: false },
      }),
    );
    expect(answer.json).toEqual({
      ...{ name: "described", auth_type: "redis", tls_skip_verify: false, session_cookies: false },
      ...{ allow_private: true, idle_timeout: "5m" },
      ...{ max_connections: 5, require_password: true, any_local_user: false },
      ...{ redis_host: "127.0.0.1", redis_port: server.port, redis_db: 0, redis_tls: false },
      warnings: [
        "a Redis user that may run CONFIG or ACL can read its own password back: use an ACL user without @admin",
        "redis_tls false sends the credential in the clear",
      ],
    });
  });

  test("takes no HTTP calls", () => {
    expect(fixture.parts.services.records.get("cache")?.base_url).toBe("");
  });

  test.each([
    ["headers", { headers: { "X-A": "1" } }],
    ["scrub", { scrub: "off" }],
    ["session_cookies", { session_cookies: true }],
    ["forward_cookies", { forward_cookies: true }],
    ["connect_timeout", { connect_timeout: "5s" }],
    ["response_timeout", { response_timeout: "5s" }],
    ["max_request_bytes", { max_request_bytes: 5 }],
  ])("has no %s", async (field, settings) => {
    const answer = await store(service(settings));
    expect([answer.status, answer.json]).toMatchObject([
      400,
      { error: `${field}: is for HTTP services only` },
    ]);
  });

  test.each(["max_connections", "require_password", "any_local_user"])(
    "a service for calls has no %s",
    async (field) => {
      const answer = await store({
        ...{ name: "api", base_url: "https://api.example.com", auth: { type: "bearer", token: "t" } },
        [field]: field === "max_connections" ? 2 : true,
      });
      expect([answer.status, answer.json]).toMatchObject([
        400,
        { error: `${field}: is for services that sessions are for only` },
      ]);
    },
  );

  test.each([
    ["redis", { redis_host: "169.254.169.254" }, "auth.redis_host: address not allowed: 169.254.169.254"],
    ["redis", { redis_host: "metadata.google.internal" }, /^auth.redis_host: address not allowed/],
    ["redis", { redis_host: "redis://x" }, /^auth.redis_host: must be a host name/],
    ["redis", { redis_port: 70_000 }, /^auth.redis_port/],
    ["redis", { redis_db: -1 }, /^auth.redis_db/],
    ["redis", { redis_password: "" }, /^auth.redis_password/],
    ["redis", { redis_password: "a\0b" }, /^auth.redis_password/],
    ["redis", { redis_username: "a\nb" }, /^auth.redis_username/],
  ])("of type %s with %j is refused", async (_type, auth, message) => {
    const answer = await store(service({}, auth));
    expect(answer.status).toBe(400);
    expect((answer.json as { error: string }).error).toMatch(message);
  });

  test("on loopback needs allow_private; in a private network it does not", async () => {
    const refused = await store(service({ allow_private: false }));
    expect(refused.json).toMatchObject({ error: "auth.redis_host: address not allowed: 127.0.0.1" });
    expect((await store(service({ allow_private: false, tls_skip_verify: true }))).status).toBe(400);
    const inside = service({ name: "inside", allow_private: false }, { redis_host: "10.1.2.3" });
    expect((await store(inside)).status).toBe(201);
  });

  const mail = { imap: "993", smtp: "587" } as const;
  test.each(["imap", "smtp"] as const)(
    "%s logs in with a password or with a token, not both",
    async (type) => {
      const base = { type, [`${type}_host`]: "mail.example.com", [`${type}_user`]: "me@example.com" };
      const password = { [`${type}_password`]: "pass word" };
      const attempt = async (auth: object): Promise<string> => {
        const answer = await store({ name: "mail", auth: { ...base, ...auth } });
        return answer.status === 201 ? "stored" : (answer.json as { error: string }).error;
      };
      const token = { [`${type}_auth`]: "xoauth2" };
      expect(await attempt(password)).toBe("stored");
      expect(await attempt({ ...token, oauth_service: "google" })).toBe("stored");
      expect(await attempt({})).toBe(`auth.${type}_password: is required with this ${type}_auth`);
      expect(await attempt(token)).toBe(`auth.oauth_service: is required with this ${type}_auth`);
      expect(await attempt({ ...token, ...password, oauth_service: "google" })).toBe(
        `auth.${type}_password: is not used with this ${type}_auth`,
      );
      expect(await attempt({ ...password, oauth_service: "google" })).toBe(
        `auth.oauth_service: is not used with this ${type}_auth`,
      );
      const shown = await fixture.call("GET", "/services/mail", { token: fixture.proxy });
      expect(shown.json).toMatchObject({ [`${type}_port`]: Number(mail[type]), [`${type}_auth`]: "xoauth2" });
    },
  );

  test("Postgres that may fall back to plain text says so", async () => {
    const answer = await store({
      name: "pg",
      auth: {
        ...{ type: "postgres", postgres_host: "db.example.com", postgres_user: "app" },
        ...{ postgres_password: "secret", postgres_tls: "prefer" },
      },
    });
    expect(answer.json).toMatchObject({
      ...{ postgres_port: 5432, postgres_db: "app", postgres_tls: "prefer" },
      warnings: [expect.stringMatching("goes on without TLS") as string],
    });
  });
});
