import { randomBytes } from "node:crypto";
import { setImmediate as nextTurn } from "node:timers/promises";
import { afterEach, expect, test, vi } from "vitest";
import type { ServiceRecord } from "../auth-strategies/service-definition.js";
import { Secret } from "../redaction/secret.js";
import { OutboundScan } from "../scrubbing/outbound-scan.js";
import { createOutboundSecrets } from "../scrubbing/outbound-secrets.js";
import { createOutboundGuard } from "./outbound-guard.js";

afterEach(() => vi.useRealTimers());

function service(
  name: string,
  auth: ServiceRecord["auth"],
  settings: Partial<ServiceRecord> = {},
): ServiceRecord {
  return {
    name,
    base_url: "https://api.example.com",
    auth,
    tls_skip_verify: false,
    session_cookies: false,
    allow_private: false,
    forward_cookies: false,
    ...settings,
  };
}

const secretOf = (name: string) => `${name}-0123456789-abcdefghijklm`;
const bearer = (name: string) => service(name, { type: "bearer", token: new Secret(secretOf(name)) });

const after = (milliseconds: number, task: () => void) => {
  const timer = setTimeout(task, milliseconds);
  return () => clearTimeout(timer);
};

function setUp(now: () => number = () => 0) {
  const index = createOutboundSecrets(randomBytes);
  const guard = createOutboundGuard(index, { now, after });
  const finds = (called: string, text: string) =>
    new OutboundScan(index, called).scanText(text) !== undefined;
  return { guard, finds };
}

test("what is searched for follows the services: added, replaced, removed, all forgotten", () => {
  const { guard, finds } = setUp();
  guard.update(
    new Map([
      ["a", bearer("a")],
      ["b", bearer("b")],
    ]),
  );
  expect([finds("a", secretOf("b")), finds("b", secretOf("b")), finds("b", secretOf("a"))]).toEqual([
    true,
    false,
    true,
  ]);
  guard.update(
    new Map([
      ["a", bearer("a")],
      ["b", bearer("other")],
    ]),
  );
  expect([finds("a", secretOf("b")), finds("a", secretOf("other"))]).toEqual([false, true]);
  guard.update(new Map([["a", bearer("a")]]));
  expect(finds("a", secretOf("other"))).toBe(false);
  expect(finds("c", secretOf("a"))).toBe(true);
  guard.clear();
  expect(finds("c", secretOf("a"))).toBe(false);
});

test("no password is searched for, nor a placeholder, nor what cannot be used", () => {
  const { guard, finds } = setUp();
  const long = "correct-horse-battery-staple";
  const basic = (username: string, password: string) =>
    service("x", { type: "basic", username: new Secret(username), password: new Secret(password) });
  guard.update(
    new Map([
      ["password", basic("me", long)],
      ["placeholder", service("placeholder", { type: "bearer", token: new Secret("x".repeat(40)) })],
      ["unknown", service("unknown", { type: "imap", imap_password: new Secret(secretOf("imap")) })],
      ["unchecked", service("unchecked", { type: "bearer", token: 7 }, { unchecked: true })],
    ]),
  );
  for (const text of [long, "x".repeat(60), secretOf("imap")]) expect(finds("other", text)).toBe(false);
  guard.update(new Map([["stripe", basic(secretOf("key"), "")]]));
  expect(finds("other", secretOf("key"))).toBe(true);
});

test("many services are indexed in turns, and a lock in between ends that", async () => {
  let time = 0;
  const { guard, finds } = setUp(() => (time += 6));
  const names = Array.from({ length: 20 }, (_, index) => `s${index}`);
  const services = new Map(names.map((name) => [name, bearer(name)]));
  guard.update(services);
  expect(names.filter((name) => finds("other", secretOf(name))).length).toBeLessThan(names.length);
  expect(guard.isComplete()).toBe(false);
  const ready = guard.ready();
  expect(ready).toBeInstanceOf(Promise);
  expect(guard.ready()).toBe(ready);
  await ready;
  expect([guard.ready(), guard.isComplete()]).toEqual([undefined, true]);
  expect(names.filter((name) => finds("other", secretOf(name)))).toEqual(names);
  guard.clear();
  guard.update(services);
  const locked = guard.ready();
  guard.clear();
  await locked;
  for (let turn = 0; turn < 20; turn += 1) await nextTurn();
  expect(names.filter((name) => finds("other", secretOf(name)))).toEqual([]);
  expect(guard.isComplete()).toBe(true);
});

test("what nobody asks for is indexed half a second later", async () => {
  vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
  let time = 0;
  const { guard, finds } = setUp(() => (time += 6));
  const names = Array.from({ length: 20 }, (_, index) => `s${index}`);
  const found = (): number => names.filter((name) => finds("other", secretOf(name))).length;
  guard.update(new Map(names.map((name) => [name, bearer(name)])));
  const first = found();
  vi.advanceTimersByTime(499);
  for (let turn = 0; turn < 20; turn += 1) await nextTurn();
  expect(found()).toBe(first);
  vi.advanceTimersByTime(1);
  for (let turn = 0; turn < 20; turn += 1) await nextTurn();
  expect(found()).toBe(names.length);
});

test("a change while others wait is waited for with them", async () => {
  let time = 0;
  const { guard, finds } = setUp(() => (time += 6));
  const names = Array.from({ length: 20 }, (_, index) => `s${index}`);
  const services = new Map(names.map((name) => [name, bearer(name)]));
  guard.update(services);
  const ready = guard.ready();
  guard.update(new Map([...services, ["late", bearer("late")]]));
  await ready;
  expect([...names, "late"].filter((name) => !finds("other", secretOf(name)))).toEqual([]);
});

test("a service that waits for its turn is indexed when it is asked for", () => {
  let time = 0;
  const { guard, finds } = setUp(() => (time += 6));
  const names = Array.from({ length: 20 }, (_, index) => `s${index}`);
  guard.update(new Map(names.map((name) => [name, bearer(name)])));
  const late = names.filter((name) => !finds("other", secretOf(name)));
  expect(late.length).toBeGreaterThan(1);
  const [first = "", second = ""] = late;
  guard.takeUp(second);
  guard.takeUp("unknown");
  expect([finds("other", secretOf(second)), finds("other", secretOf(first))]).toEqual([true, false]);
  guard.stop();
  guard.takeUp(first);
  expect(finds("other", secretOf(first))).toBe(false);
});

test("stopped, it keeps what is indexed, takes up no more, and goes on with what an unlock brings", async () => {
  let time = 0;
  const { guard, finds } = setUp(() => (time += 6));
  const names = Array.from({ length: 20 }, (_, index) => `s${index}`);
  const services = new Map(names.map((name) => [name, bearer(name)]));
  guard.update(services);
  guard.stop();
  const before = names.filter((name) => finds("other", secretOf(name)));
  expect(before.length).toBeGreaterThan(0);
  expect(guard.isComplete()).toBe(false);
  for (let turn = 0; turn < 20; turn += 1) await nextTurn();
  expect(names.filter((name) => finds("other", secretOf(name)))).toEqual(before);
  guard.update(services);
  await guard.ready();
  expect(guard.isComplete()).toBe(true);
  expect(names.filter((name) => finds("other", secretOf(name)))).toEqual(names);
  guard.update(new Map());
  expect(names.filter((name) => finds("other", secretOf(name)))).toEqual([]);
});
