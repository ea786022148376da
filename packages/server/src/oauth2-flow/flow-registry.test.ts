import { randomBytes } from "node:crypto";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { VaultProxyError } from "../errors/vault-proxy-error.js";
import { FLOW_LIMITS } from "./flow-limits.js";
import { FlowRegistry } from "./flow-registry.js";

const LIFETIME = { lifetimeMs: FLOW_LIMITS.browserMs };

let registry: FlowRegistry<string>;
beforeEach(() => {
  vi.useFakeTimers();
  registry = new FlowRegistry({ randomBytes, clock: Date.now });
});
afterEach(() => {
  registry.clear(new VaultProxyError("vault_locked", "locked"));
  vi.useRealTimers();
});

const open = (state: string, service = "api") => registry.open(service, "content", { ...LIFETIME, state });

describe("a state", () => {
  test("leads to its flow once", () => {
    const flow = open("s1");
    open("s2");
    expect(registry.takeByState("s1")).toBe(flow);
    expect(registry.takeByState("s1")).toBeUndefined();
    expect(registry.statusOf(flow.id)).toMatchObject({ status: "pending" });
  });

  test("that was never given out leads to nothing, nor does a flow without one", () => {
    open("s1");
    registry.open("device", "content", LIFETIME);
    for (const state of ["", "s", "s11", "undefined", "S1"]) {
      expect(registry.takeByState(state)).toBeUndefined();
    }
  });

  test("leads to nothing when the time is over, whether or not a timer ran", () => {
    const flow = open("s1");
    vi.setSystemTime(Date.now() + FLOW_LIMITS.browserMs);
    expect(registry.takeByState("s1")).toBeUndefined();
    expect(registry.statusOf(flow.id)).toMatchObject({ status: "failed", code: "expired" });
    expect(flow.signal.aborted).toBe(true);
  });

  test("shown in the last moment leaves time for what is left to do", () => {
    const flow = open("s1");
    vi.advanceTimersByTime(FLOW_LIMITS.browserMs - 1);
    registry.takeByState("s1");
    vi.advanceTimersByTime(30_000);
    expect(registry.statusOf(flow.id)).toMatchObject({ status: "pending" });
    flow.finish({ replaced: false });
    expect(registry.statusOf(flow.id)).toEqual({ status: "done", serviceName: "api", replaced: false });
  });
});

describe("a flow", () => {
  test("ends by itself in time and lets its work go", () => {
    const flow = open("s1");
    vi.advanceTimersByTime(FLOW_LIMITS.browserMs - 1);
    expect(flow.signal.aborted).toBe(false);
    vi.advanceTimersByTime(1);
    expect(flow.signal.aborted).toBe(true);
    expect(registry.statusOf(flow.id)).toMatchObject({ status: "failed", code: "expired" });
  });

  test("beyond the tenth drops the oldest", () => {
    const flows = Array.from({ length: FLOW_LIMITS.pending }, (_, index) => open(`s${index}`));
    open("one more");
    expect(flows.map(({ signal }) => signal.aborted)).toEqual([true, ...Array<boolean>(9).fill(false)]);
    expect(registry.statusOf(flows[0]!.id)).toMatchObject({ status: "failed", code: "superseded" });
    open("and another");
    expect(registry.takeByState("s1")).toBeUndefined();
    expect(registry.takeByState("s2")).toBe(flows[2]);
  });

  test("whose code is being exchanged is not dropped for newer ones, nor counted among the ten", () => {
    const flows = Array.from({ length: FLOW_LIMITS.pending }, (_, index) => open(`s${index}`));
    registry.takeByState("s0");
    open("one more");
    expect(flows.some(({ signal }) => signal.aborted)).toBe(false);
    for (let index = 0; index < 30; index += 1) open(`n${index}`);
    expect(flows.map(({ signal }) => signal.aborted)).toEqual([false, ...Array<boolean>(9).fill(true)]);
    flows[0]?.finish({ replaced: false });
    expect(registry.statusOf(flows[0]!.id)).toMatchObject({ status: "done" });
  });

  test("is not kept for its exchange where ten others are", () => {
    const exchanges = Array.from({ length: FLOW_LIMITS.exchanges + 1 }, (_, index) => {
      const flow = open(`s${index}`);
      expect(registry.takeByState(`s${index}`)).toBe(flow);
      return flow;
    });
    for (let index = 0; index < FLOW_LIMITS.pending; index += 1) open(`n${index}`);
    const [last, ...others] = exchanges.map(({ signal }) => signal.aborted).reverse();
    expect(others).toEqual(Array<boolean>(FLOW_LIMITS.exchanges).fill(false));
    expect(last).toBe(true);
  });

  test("that was cancelled stays so, whatever its work says afterwards", () => {
    const flow = open("s1");
    expect(registry.cancel(flow.id)).toBe(true);
    flow.finish({ replaced: false });
    expect(registry.statusOf(flow.id)).toMatchObject({ status: "failed", code: "cancelled" });
    expect(registry.takeByState("s1")).toBeUndefined();
    expect(registry.cancel(flow.id)).toBe(false);
  });

  test("has an id and a state that tell nothing of each other", () => {
    const flow = open("s1");
    expect(flow.id).toMatch(/^flow_[A-Za-z0-9_-]{43}$/);
    expect(registry.takeByState(flow.id)).toBeUndefined();
    expect(registry.statusOf("s1")).toBeUndefined();
  });
});

describe("an outcome", () => {
  test("is told for five minutes", () => {
    const flow = open("s1");
    flow.fail({ code: "provider_error", error: "no" });
    vi.advanceTimersByTime(FLOW_LIMITS.outcomeMs - 1);
    expect(registry.statusOf(flow.id)).toEqual({
      status: "failed",
      serviceName: "api",
      code: "provider_error",
      error: "no",
    });
    vi.advanceTimersByTime(1);
    expect(registry.statusOf(flow.id)).toBeUndefined();
  });

  test("is forgotten when fifty newer ones came", () => {
    const flows = Array.from({ length: FLOW_LIMITS.outcomes + 1 }, () => {
      const flow = open("s");
      flow.finish({ replaced: false });
      return flow;
    });
    expect(registry.statusOf(flows[0]!.id)).toBeUndefined();
    expect(registry.statusOf(flows[1]!.id)).toMatchObject({ status: "done" });
  });
});

test("clearing stops every flow, forgets every outcome, and ends what is about to begin", () => {
  const ended = open("s0");
  ended.finish({ replaced: false });
  const flow = open("s1");
  const { lifetime } = registry;
  const reason = new VaultProxyError("vault_locked", "the vault was locked");
  registry.clear(reason);
  expect(flow.signal.reason).toBe(reason);
  expect(lifetime.reason).toBe(reason);
  expect(registry.lifetime.aborted).toBe(false);
  expect([ended, flow].map(({ id }) => registry.statusOf(id))).toEqual([undefined, undefined]);
  expect(registry.takeByState("s1")).toBeUndefined();
  expect(vi.getTimerCount()).toBe(0);
});
