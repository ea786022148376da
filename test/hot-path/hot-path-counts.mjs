/**
 * Loaded into a server ahead of it: counts, between two questions of its parent, what a proxied call must not do or must not
 * do often. Nothing of the server knows of it.
 */
import crypto from "node:crypto";
import { Session } from "node:inspector";
import { syncBuiltinESMExports } from "node:module";
import stream from "node:stream";
import webStreams from "node:stream/web";

/** Stands in every body that goes through the server while it is counted. */
const BODY_MARK = "a-body-of-the-hot-path";
/** Whoever walks through as much walks through all services, or all tokens. */
const MANY = 1000;
const AUDIT = /\/lib\/audit\//;
const OWN_MODULES = /\/packages\/server\/lib\//;

const zero = {
  webStreams: 0,
  fetches: 0,
  jsonOfBodies: 0,
  digests: 0,
  /** @type {string[]} Where many things were walked through. */
  walks: [],
};
let counts = structuredClone(zero);

/**
 * @param {object} owner
 * @param {PropertyKey} name
 * @param {(target: object, args: unknown[], self: unknown) => void} seen Called before each call and construction.
 */
function watch(owner, name, seen) {
  const descriptor = Object.getOwnPropertyDescriptor(owner, name);
  const original = Reflect.get(owner, name);
  if (typeof original !== "function") return;
  const watched = new Proxy(original, {
    apply(target, self, args) {
      seen(target, args, self);
      return Reflect.apply(target, self, args);
    },
    construct(target, args, newTarget) {
      seen(target, args, undefined);
      return Reflect.construct(target, args, newTarget);
    },
  });
  Object.defineProperty(owner, name, {
    configurable: true,
    writable: true,
    enumerable: descriptor?.enumerable ?? true,
    value: watched,
  });
}

for (const owner of [globalThis, webStreams]) {
  for (const name of ["ReadableStream", "WritableStream", "TransformStream"]) {
    watch(owner, name, () => (counts.webStreams += 1));
  }
}
for (const kind of [stream.Readable, stream.Writable, stream.Duplex]) {
  for (const name of ["toWeb", "fromWeb"]) watch(kind, name, () => (counts.webStreams += 1));
}
for (const name of ["fetch", "Request", "Response"]) {
  watch(globalThis, name, () => (counts.fetches += 1));
}

watch(JSON, "parse", (_target, [text]) => {
  if (String(text).includes(BODY_MARK)) counts.jsonOfBodies += 1;
});
const { stringify } = JSON;
JSON.stringify = (/** @type {[any, any?, any?]} */ ...args) => {
  const text = stringify(...args);
  if (text?.includes(BODY_MARK)) counts.jsonOfBodies += 1;
  return text;
};

/** @param {unknown} algorithm */
function countDigest(algorithm) {
  if (!/sha-?256/i.test(String(algorithm))) return;
  const stack = new Error().stack ?? "";
  if (!AUDIT.test(stack)) counts.digests += 1;
}
watch(crypto, "hash", (_target, [algorithm]) => countDigest(algorithm));
watch(crypto, "createHash", (_target, [algorithm]) => countDigest(algorithm));
watch(crypto, "createHmac", (_target, [algorithm]) => countDigest(algorithm));
watch(crypto.subtle, "digest", (_target, [algorithm]) =>
  countDigest(typeof algorithm === "string" ? algorithm : /** @type {any} */ (algorithm)?.name),
);

/** @param {number} size */
function countWalk(size) {
  if (size < MANY) return;
  const stack = new Error().stack ?? "";
  if (!OWN_MODULES.test(stack)) return;
  counts.walks.push(stack.split("\n").find((line) => OWN_MODULES.test(line)) ?? "");
}
const walkers = ["keys", "values", "entries", "forEach", Symbol.iterator];
for (const { prototype } of [Map, Set]) {
  for (const name of walkers) {
    watch(prototype, name, (_target, _args, self) => countWalk(/** @type {Map<any, any>} */ (self).size));
  }
}
const searchers = ["find", "findIndex", "findLast", "filter", "some", "every", "map", "reduce", "flatMap"];
for (const name of [...walkers, ...searchers, "indexOf", "includes", "sort", "toSorted", "slice", "concat"]) {
  watch(Array.prototype, name, (_target, _args, self) => countWalk(Array.isArray(self) ? self.length : 0));
}
for (const name of ["keys", "values", "entries"]) {
  const original = Reflect.get(Object, name);
  watch(Object, name, (_target, [of]) => countWalk(original(of).length));
}
syncBuiltinESMExports();

const session = new Session();
session.connect();
session.post("Profiler.enable");
// Before the server is compiled: only what is compiled after this counts its blocks.
session.post("Profiler.startPreciseCoverage", { callCount: true, detailed: true });

/** @returns {{ count: number, where: string }} The part of a function that ran most often since it was last asked. */
function busiestBlock() {
  let busiest = { count: 0, where: "" };
  session.post("Profiler.takePreciseCoverage", (error, answer) => {
    if (error !== null) throw new Error(error.message);
    for (const { url, functions } of answer.result) {
      if (!OWN_MODULES.test(url)) continue;
      for (const { functionName, ranges } of functions) {
        for (const { count } of ranges) {
          if (count > busiest.count) busiest = { count, where: `${functionName} of ${url}` };
        }
      }
    }
  });
  return busiest;
}

process.on("message", (/** @type {{ hotPath?: "begin" | "end" }} */ { hotPath }) => {
  if (hotPath === "begin") {
    busiestBlock();
    counts = structuredClone(zero);
    process.send?.({});
  }
  if (hotPath === "end") {
    const told = counts;
    counts = structuredClone(zero);
    process.send?.({ ...told, busiest: busiestBlock() });
  }
});
