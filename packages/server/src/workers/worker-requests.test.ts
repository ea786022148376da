import { expect, test } from "vitest";
import { auditUnavailable } from "../audit/audit-unavailable.js";
import type { Grant } from "../authorization/grant.js";
import { VaultProxyError } from "../errors/vault-proxy-error.js";
import { Secret } from "../redaction/secret.js";
import type { TokenRecord } from "../tokens/token-record.js";
import type { OwnerMessage } from "./messages.js";
import { createWorkerRequests, type WorkerRequestsParts } from "./worker-requests.js";

const token = { digest: "d", id_prefix: "tok_d" } as TokenRecord;
const action = { kind: "http", service: "api", method: "GET", rawPath: "/" } as const;

function world(more: Partial<WorkerRequestsParts> = {}) {
  const sent: OwnerMessage[] = [];
  const done: string[] = [];
  let open = 0;
  const grant = {
    ready: undefined,
    release: () => void (open -= 1),
  } as Grant;
  const requests = createWorkerRequests(
    {
      isLocked: () => false,
      tokenRecords: () => new Map([["d", token]]),
      serviceOf: (_name, version) => (version === 7 ? { name: "api" } : undefined),
      tokens: {
        strike: (_record, cause) => void done.push(`strike ${cause}`),
        strikeOnce: (_record, cause) => void done.push(`once ${cause}`),
        noteUse: (digest) => void done.push(`used ${digest}`),
      },
      authorizer: {
        authorize() {
          if (open === 2) throw new VaultProxyError("rate_limited", "enough", { retryAfterSeconds: 3 });
          open += 1;
          return grant;
        },
      },
      accessTokens: {
        boundTo: () => ({
          current: () => "at-1",
          replace: (rejected) => Promise.resolve(rejected === "at-0" ? "at-1" : undefined),
          searched: () => SECRETS,
        }),
      },
      recorder: {
        ready: () => undefined,
        record: (kind, { service }) => void done.push(`${kind} ${String(service)}`),
      },
      callMetrics: { measured: (service) => void done.push(`measured ${service}`) },
      eventMetrics: { refusedAtTheDoor: (code) => void done.push(`refused ${code}`) },
      onGuess: (service) => void done.push(`guess ${service}`),
      ...more,
    },
    (message) => sent.push(message),
  );
  return { requests, sent, done, open: () => open };
}

const SECRETS = [{ secret: new Secret("at-1") }];
const entry = ["proxy", { decision: "allow", service: "api" }] as const;
const batch = { type: "batch", entries: [entry], times: [], used: [], refused: [] } as const;
const settled = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

test("what a worker reserved is given back when it says so, and when it dies", async () => {
  const { requests, sent, open } = world();
  for (const id of [1, 2, 3]) requests.hear({ type: "reserve", id, digest: "d", action });
  await settled();
  expect(sent).toEqual([
    expect.objectContaining({
      type: "reserved",
      id: 3,
      error: expect.objectContaining({ retryAfterSeconds: 3 }) as object,
    }),
    { type: "reserved", id: 1 },
    { type: "reserved", id: 2 },
  ]);
  requests.hear({ type: "release", id: 1 });
  requests.hear({ type: "release", id: 1 });
  expect(open()).toBe(1);
  requests.end();
  expect(open()).toBe(0);
});

test("a token that is gone reserves nothing", async () => {
  const { requests, sent, open } = world();
  requests.hear({ type: "reserve", id: 1, digest: "gone", action });
  await settled();
  expect(sent).toEqual([
    expect.objectContaining({ error: expect.objectContaining({ code: "unauthorized" }) as object }),
  ]);
  expect(open()).toBe(0);
});

test("an access token is given for a version of the service that is known, with what is to be searched for once", async () => {
  const { requests, sent } = world();
  const ask = { type: "accessToken", service: "api" } as const;
  requests.hear({ ...ask, id: 1, version: 7 });
  await settled();
  requests.hear({ ...ask, id: 2, version: 7, rejected: "at-0" });
  requests.hear({ ...ask, id: 3, version: 6 });
  await settled();
  expect(sent.find((each) => "id" in each && each.id === 1)).toEqual({
    ...{ type: "accessToken", id: 1, token: "at-1" },
    searched: [{ secret: "at-1" }],
  });
  expect(sent.find((each) => "id" in each && each.id === 2)).toEqual({
    type: "accessToken",
    id: 2,
    token: "at-1",
  });
  expect(sent.find((each) => "id" in each && each.id === 3)).toMatchObject({ error: { code: "conflict" } });
});

test("entries are recorded, and confirmed when there is room for more", async () => {
  let attempts = 0;
  const { requests, sent, done } = world({
    recorder: {
      ready: () => ((attempts += 1) <= 2 ? Promise.reject(auditUnavailable()) : undefined),
      record: () => void done.push("recorded"),
    },
  });
  requests.hear({ ...batch, used: ["d"], refused: ["forbidden"], times: [["api", 1, 0, 2]] });
  requests.hear(batch);
  expect(done).toEqual(["recorded", "measured api", "used d", "refused forbidden", "recorded"]);
  await expect
    .poll(() => sent)
    .toEqual([
      { type: "auditFull", isFull: true },
      { type: "auditFull", isFull: false },
      { type: "recorded", count: 2 },
    ]);
});

test("offences are counted by the owner, and guesses told to the other workers", () => {
  const { requests, sent, done } = world();
  requests.hear({ type: "strike", digest: "d", cause: 12, isOnce: false });
  requests.hear({ type: "strike", digest: "d", cause: "api/start/9", isOnce: true });
  requests.hear({ type: "strike", digest: "d", cause: "api/inside/9", isOnce: true });
  expect(done).toEqual(["strike 12", "once api/start/9", "guess api", "once api/inside/9"]);
  expect(sent).toEqual(Array.from({ length: 3 }, () => ({ type: "struck", digest: "d" })));
});

test("while the vault is locked nothing of it is looked at", () => {
  const locked = (): never => {
    throw new VaultProxyError("vault_locked", "the vault is locked");
  };
  const { requests, done } = world({ isLocked: () => true, tokenRecords: locked });
  requests.hear({ ...batch, used: ["d"] });
  requests.hear({ type: "strike", digest: "d", cause: 12, isOnce: false });
  requests.hear({ type: "reserve", id: 1, digest: "d", action });
  expect(done).toEqual(["proxy api"]);
});
