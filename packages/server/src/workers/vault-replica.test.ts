import { describe, expect, test } from "vitest";
import { Secret } from "../redaction/secret.js";
import type { TokenRecord } from "../tokens/token-record.js";
import { WORKER_LIMITS } from "./limits.js";
import { MIRRORED, type MirroredCollection } from "./messages.js";
import { createVaultMirror } from "./vault-mirror.js";
import { createVaultReplica } from "./vault-replica.js";

const token = (digest: string, more: Partial<TokenRecord> = {}): TokenRecord => ({
  ...{ digest, id_prefix: `tok_${digest}`, scope: "proxy" },
  ...{ created_at: "2026-01-01T00:00:00Z", expires_at: "2036-01-01T00:00:00Z" },
  ...more,
});

/** A vault's records, what the owner says of them, and a worker's copy. */
function world() {
  const records: Record<MirroredCollection, { records: Map<string, object> }> = {
    services: { records: new Map() },
    tokens: { records: new Map() },
    policies: { records: new Map() },
  };
  const mirror = createVaultMirror(records);
  const replica = createVaultReplica();
  const sync = (): void => {
    for (const name of MIRRORED) mirror.changes(name).forEach((message) => replica.apply(message));
    replica.unlock();
  };
  return { records, mirror, replica, sync };
}

describe("a worker's copy of the vault", () => {
  test("has what the vault has, secrets as such, and follows each change", () => {
    const { records, replica, sync } = world();
    records.services.records.set("api", { name: "api", auth: { token: new Secret("s3cret") } });
    sync();
    const { auth } = replica.services.get("api") ?? expect.fail();
    expect(auth.token).toBeInstanceOf(Secret);
    expect((auth.token as Secret).reveal()).toBe("s3cret");
    const before = replica.versionOf("api");
    sync();
    expect(replica.versionOf("api")).toBe(before);
    records.services.records.set("api", { name: "api", auth: {} });
    sync();
    expect(replica.versionOf("api")).not.toBe(before);
    records.services.records.delete("api");
    sync();
    expect(replica.services.size).toBe(0);
  });

  test("of more records than one message holds is whole, also for a worker that comes later", () => {
    const { records, mirror, replica, sync } = world();
    const count = WORKER_LIMITS.recordsPerMessage * 2 + 1;
    for (let each = 0; each < count; each += 1) records.tokens.records.set(`d${each}`, token(`d${each}`));
    sync();
    expect(replica.tokens.size).toBe(count);
    const late = createVaultReplica();
    const messages = mirror.whole();
    expect(messages.length).toBe(3);
    messages.forEach((message) => late.apply(message));
    late.unlock();
    expect([...late.tokens.keys()]).toEqual([...replica.tokens.keys()]);
  });

  test("shows nothing before it is whole, and holds nothing after a lock", () => {
    const { records, mirror, replica, sync } = world();
    records.tokens.records.set("a", token("a"));
    mirror.changes("tokens").forEach((message) => replica.apply(message));
    expect(() => replica.tokens).toThrow("locked");
    sync();
    const { tokens } = replica;
    expect(tokens.size).toBe(1);
    replica.lock();
    expect(() => replica.tokens).toThrow("locked");
    replica.unlock();
    expect(replica.tokens.size).toBe(0);
  });

  test("knows what of a token is counted, by its own policy and by those it descends from", () => {
    const { records, replica, sync } = world();
    records.policies.records.set("p", { rules: [{ service: "api" }], limits: { max_uses: 5 } });
    const own = { rules: [{ service: "api", cooldown: "5s" }] };
    for (const each of [
      token("free"),
      token("counted", { policy: "p" }),
      token("child", { parent: "counted" }),
      token("own", { rules: own }),
      token("orphan", { parent: "gone" }),
    ])
      records.tokens.records.set(each.digest, each);
    sync();
    const counting = (digest: string) => replica.countingOf(replica.tokens.get(digest) ?? expect.fail());
    expect(["free", "counted", "child", "own", "orphan"].map(counting)).toEqual([
      ...["nothing", "beginnings", "beginnings", "all", "all"],
    ]);
    expect(replica.policies.get("p")).toEqual({ rules: [{ service: "api" }] });
    expect(replica.tokens.get("own")?.rules).toEqual({ rules: [{ service: "api" }] });
  });

  test("leaves tokens that end when they are idle to the owner, and knows those that are suspended", () => {
    const { records, replica, sync } = world();
    records.tokens.records.set("idle", token("idle", { idle_timeout_ms: 1000 }));
    sync();
    expect(replica.isWatched("idle")).toBe(true);
    expect(replica.tokens.get("idle")?.idle_timeout_ms).toBeUndefined();
    replica.suspend(["idle", "unknown"]);
    expect(replica.tokens.get("idle")?.suspended_at).toBeDefined();
    // Resumed: the record is another one.
    records.tokens.records.set("idle", token("idle"));
    sync();
    expect(replica.tokens.get("idle")?.suspended_at).toBeUndefined();
    expect(replica.isWatched("idle")).toBe(false);
  });
});

describe("the owner", () => {
  const oauth = (clientId: string, token: number): object => ({
    ...{ name: "api", base_url: "https://api.example/" },
    auth: {
      ...{ type: "oauth2_client", token_url: "https://api.example/token", client_id: clientId },
      ...{ client_secret: new Secret("s3cret"), access_token: new Secret(`access-${token}`) },
      ...{ refresh_token: new Secret(`refresh-${token}`), expires_at: token },
    },
  });
  const versionsOf = ({ records, replica, sync }: ReturnType<typeof world>, made: object[]): number[] =>
    made.map((record) => {
      records.services.records.set("api", record);
      sync();
      return replica.versionOf("api") ?? 0;
    });

  test("knows former credentials of a service for a while, and none after a lock", () => {
    const used = world();
    const made = Array.from({ length: WORKER_LIMITS.formerCredentials + 2 }, (_, nth) => oauth(`c${nth}`, 1));
    const versions = versionsOf(used, made);
    const known = (): (object | undefined)[] => versions.map((each) => used.mirror.serviceOf("api", each));
    expect(known()).toEqual([undefined, ...made.slice(1)]);
    used.mirror.clear();
    expect(known()).toEqual(made.map(() => undefined));
  });

  test("knows a service whose token was refreshed ever so often, and not the one of that name before it", () => {
    const used = world();
    const [deleted = 0] = versionsOf(used, [oauth("c", 0)]);
    used.records.services.records.delete("api");
    used.sync();
    const made = Array.from({ length: 20 }, (_, nth) => oauth("c", nth + 1));
    const versions = versionsOf(used, made);
    expect(new Set(versions).size).toBe(made.length);
    for (const version of versions) expect(used.mirror.serviceOf("api", version)).toBe(made.at(-1));
    expect(used.mirror.serviceOf("api", deleted)).toBeUndefined();
    // Another credential now: who has the former one is told apart.
    const [changed = 0] = versionsOf(used, [oauth("other", 1)]);
    expect(used.mirror.serviceOf("api", versions[0] ?? 0)).toBe(made.at(-1));
    expect(used.mirror.serviceOf("api", changed)).not.toBe(made.at(-1));
  });
});
