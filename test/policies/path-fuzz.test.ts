import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { startServer, temporaryDirectory, type RunningServer } from "../live/processes.js";
import { startRawUpstream, type RawUpstream } from "../live/raw-sockets.js";
import { addService, makeToken, unlock } from "../live/vault-calls.js";
import { decodedFully, fitsNaively } from "./naive-path-rule.js";
import { createRawCaller, type RawCaller } from "./raw-caller.js";

const BASE = "/base/v1";
const POLICIES = 120;
const TARGETS_OF_A_POLICY = 30;
/** Each sends its targets one after another. */
const CALLERS = 4;

let directory: Awaited<ReturnType<typeof temporaryDirectory>>;
let upstream: RawUpstream;
let server: RunningServer;
let admin: string;
let callers: RawCaller[];
/** Request targets as they came, octet for octet, by the header that says whose they are. */
const received = new Map<string, string[]>();
let cases = 0;

beforeAll(async () => {
  directory = await temporaryDirectory();
  upstream = await startRawUpstream((socket, head) => {
    const name = /^x-case: (\S+)\r$/im.exec(head)?.[1] ?? "no case";
    const target = /^GET ([^]*?) HTTP\/1\.1\r\n/.exec(head)?.[1] ?? `not read: ${head}`;
    received.set(name, [...(received.get(name) ?? []), target]);
    socket.write("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
  });
  server = await startServer({ dataDir: directory.path });
  admin = await unlock(server);
  await addService(server, admin, {
    ...{ name: "api", base_url: `${upstream.origin}${BASE}`, allow_private: true },
    auth: { type: "bearer", token: "sk-upstream-0123456789" },
  });
  callers = Array.from({ length: CALLERS }, () => createRawCaller(server.address));
});

afterAll(async () => {
  for (const caller of callers) caller.close();
  await server.stop();
  await upstream.close();
  await directory.remove();
  expect(received.has("no case")).toBe(false);
});

/** One call: its status, and whatever came to the upstream. */
async function send(
  token: string,
  target: string,
  caller: RawCaller | undefined = callers[0],
): Promise<{ statuses: readonly number[]; upstream: readonly string[] }> {
  cases += 1;
  const name = String(cases);
  const statuses = await caller?.get(target, { Authorization: `Bearer ${token}`, "X-Case": name });
  return { statuses: statuses ?? [], upstream: received.get(name) ?? [] };
}

/** Of a target that came to the upstream; fails if it is not below the service's base path, however it is read. */
function pathBelowBase(target: string): string {
  const [path = ""] = target.split("?");
  expect(path === BASE || path.startsWith(`${BASE}/`), target).toBe(true);
  expect(target).not.toContain("#");
  expect(decodedFully(path).split("/"), target).not.toContain("..");
  expect(decodedFully(path).split("/"), target).not.toContain(".");
  expect(new URL(path, "http://upstream").pathname.startsWith(BASE), target).toBe(true);
  return path.slice(BASE.length);
}

const literal = fc.constantFrom(
  "a",
  "b",
  "repos",
  "v1",
  "acme",
  "A",
  "x.txt",
  "a%20b",
  "caf%C3%A9",
  "%2B",
  "_~-",
  "a,b",
);
const segmentPattern = fc.oneof(
  { weight: 4, arbitrary: literal },
  { weight: 2, arbitrary: fc.constant("*") },
  { weight: 2, arbitrary: fc.constant("**") },
  fc.tuple(literal, literal).map(([before, after]) => `${before}*${after}`),
  literal.map((text) => `*${text}`),
  literal.map((text) => `${text}*`),
);
const pattern = fc
  .tuple(fc.array(segmentPattern, { minLength: 1, maxLength: 5 }), fc.constantFrom("", "", "", "/"))
  .map(([segments, end]) => `/${segments.join("/")}${end}`);

/** What may stand in a target though no segment should hold it, and what only looks like it. */
const trick = fc.constantFrom(
  ...[
    "..",
    ".",
    "...",
    "%2e%2e",
    "%2E.",
    ".%2e",
    "%252e%252e",
    "%252E",
    "%25252e",
    "/",
    "//",
    "/./",
    "/../",
    "%2f",
  ],
  ...[
    "%2F",
    "%252f",
    "%5c",
    "%5C",
    "\\",
    "..\\",
    "%255c",
    ";",
    ";x=1",
    "%3b",
    "%3B",
    "..;",
    "?",
    "?a=/../b",
    "%3f",
  ],
  ...["%3F", "#", "#/a", "%23", "%00", "%0a", "%0D%0A", "%7f", "%c2%85", "%", "%2", "%zz", "%u002e", "%%32e"],
  ...[
    "%c0%af",
    "%c0%ae",
    "%e0%80%af",
    "%f0%80%80%af",
    "%ed%a0%80",
    "%ff",
    "%80",
    "\u00c3\u00a9",
    "\u00ff",
    "\u0080",
  ],
  ...[
    "%EF%BC%8F",
    "%ef%bc%8e%ef%bc%8e",
    "%E2%80%A5",
    "%e2%84%80",
    "\x01",
    "\x7f",
    "\t",
    "|",
    '"',
    "<",
    "{",
    "^",
    "`",
  ],
  ...[
    "%41",
    "%61",
    "%2A",
    "*",
    "**",
    "+",
    "%20",
    "%2B",
    "~",
    "@",
    ":",
    "&",
    "a".repeat(300),
    "/a".repeat(100),
  ],
);

/** A segment or several that the pattern's segment stands for. */
function instanceOf(part: string): fc.Arbitrary<string> {
  if (part === "**") {
    return fc.array(fc.oneof(literal, literal, trick), { maxLength: 3 }).map((several) => several.join("/"));
  }
  const [first = "", ...rest] = part.split("*");
  const filling = fc.oneof({ weight: 3, arbitrary: literal }, fc.constant(""), trick);
  return fc
    .tuple(...rest.map(() => filling))
    .map((fillings) => first + rest.map((text, index) => `${fillings[index] ?? ""}${text}`).join(""));
}

/** A path near a pattern: an instance of it, sometimes with something put in, cut out, or escaped. */
function pathNear(text: string): fc.Arbitrary<string> {
  const instance = fc
    .tuple(...text.slice(1).split("/").map(instanceOf))
    .map((segments) => `/${segments.join("/")}`);
  const place = fc.double({ min: 0, max: 1, noNaN: true });
  const change: fc.Arbitrary<(path: string) => string> = fc.oneof(
    fc.tuple(place, trick).map(([at, what]) => (path: string) => {
      const index = Math.floor(at * (path.length + 1));
      return path.slice(0, index) + what + path.slice(index);
    }),
    fc.tuple(place, fc.nat(3)).map(([at, count]) => (path: string) => {
      const index = Math.floor(at * path.length);
      return path.slice(0, index) + path.slice(index + count);
    }),
    fc.tuple(place, fc.boolean(), fc.boolean()).map(([at, isLower, isTwice]) => (path: string) => {
      const index = Math.floor(at * path.length);
      const hex = path.charCodeAt(index).toString(16).padStart(2, "0");
      const escape = `%${isTwice ? "25" : ""}${isLower ? hex : hex.toUpperCase()}`;
      return index >= path.length ? path : path.slice(0, index) + escape + path.slice(index + 1);
    }),
  );
  return fc
    .tuple(
      instance,
      fc.oneof(
        { weight: 2, arbitrary: fc.constant([]) },
        { weight: 3, arbitrary: fc.array(change, { minLength: 1, maxLength: 3 }) },
      ),
    )
    .map(([path, changes]) => changes.reduce((changed, apply) => apply(changed), path));
}

const target = (path: fc.Arbitrary<string>): fc.Arbitrary<string> =>
  fc
    .tuple(
      fc.constantFrom("", "", "", "absolute", "elsewhere"),
      path,
      fc.constantFrom("", "", "?q=1", "?/../..", "?a#b"),
    )
    .map(([form, text, query]) => {
      const origin = form === "absolute" ? server.address : form === "elsewhere" ? "http://127.0.0.1:1" : "";
      return `${origin}/proxy/api${text}${query}`;
    });

/** Nothing in it that any two readers could differ about. */
const isPlain = (path: string): boolean => /^(?:\/[a-z0-9]+)+$/i.test(path) && path.length < 1000;

test("whatever is allowed comes to the upstream as the rule says, by another matcher; nothing leaves the base path", async () => {
  const policies = fc.sample(fc.array(pattern, { minLength: 1, maxLength: 3 }), POLICIES);
  const counts = { sent: 0, allowed: 0, allowedWithEscapes: 0, denied: 0, plain: 0 };
  for (const paths of policies) {
    const token = await makeToken(server, admin, { policy: { rules: [{ service: "api", paths }] } });
    const targets = fc.sample(target(fc.oneof(...paths.map(pathNear))), TARGETS_OF_A_POLICY);
    await Promise.all(
      callers.map(async (caller, number) => {
        for (const [index, text] of targets.entries()) {
          if (index % CALLERS !== number) continue;
          const answer = await send(token, text, caller);
          const shown = JSON.stringify({ paths, text, ...answer });
          counts.sent += 1;
          for (const came of answer.upstream) {
            const path = pathBelowBase(came);
            expect(
              paths.some((each) => fitsNaively(each, path)),
              shown,
            ).toBe(true);
            // What was judged is what is forwarded.
            expect(text.includes(came.slice(BASE.length)), shown).toBe(true);
          }
          const [status] = answer.statuses;
          expect(answer.statuses, shown).toHaveLength(1);
          expect(answer.upstream, shown).toHaveLength(status === 200 ? 1 : 0);
          if (status === 200) {
            counts.allowed += 1;
            if (answer.upstream[0]?.includes("%") === true) counts.allowedWithEscapes += 1;
          } else {
            counts.denied += 1;
            expect([400, 403, 404, 414, 431, 421], shown).toContain(status);
          }
          const asked = /\/proxy\/api([^?#]*)/.exec(text)?.[1] ?? "";
          if (isPlain(asked) && !text.includes("#") && paths.some((each) => fitsNaively(each, asked))) {
            counts.plain += 1;
            expect(status, shown).toBe(200);
          }
        }
      }),
    );
  }
  expect(counts.sent).toBe(POLICIES * TARGETS_OF_A_POLICY);
  // Else little was tried.
  expect(counts.allowed).toBeGreaterThan(counts.sent / 20);
  expect(counts.allowedWithEscapes).toBeGreaterThan(counts.sent / 200);
  expect(counts.denied).toBeGreaterThan(counts.sent / 20);
  expect(counts.plain).toBeGreaterThan(counts.sent / 200);
});

describe("with /repos/acme/** and /user allowed, nothing comes to the upstream of", () => {
  let token: string;
  beforeAll(async () => {
    const rules = [{ service: "api", paths: ["/repos/acme/**", "/user"] }];
    token = await makeToken(server, admin, { policy: { rules } });
  });

  test.each([
    ["the root", "/"],
    ["nothing", ""],
    ["a sibling with the same beginning", "/repos/acme2/x"],
    ["a parent", "/repos"],
    ["another case", "/Repos/acme/x"],
    ["an escaped letter of the rule", "/repos/%61cme/x"],
    ["an escaped letter, small", "/%75ser"],
    ["a final slash", "/user/"],
    ["dots", "/repos/acme/../evil"],
    ["dots to the end", "/repos/acme/x/.."],
    ["dots that come back", "/repos/evil/../acme/x"],
    ["a dot", "/repos/acme/./x"],
    ["dots beyond the base path", "/repos/acme/../../../../other"],
    ["escaped dots", "/repos/acme/%2e%2e/evil"],
    ["half escaped dots", "/repos/acme/.%2E/evil"],
    ["dots escaped twice", "/repos/acme/%252e%252e/evil"],
    ["dots escaped three times", "/repos/acme/%25252e%25252e/evil"],
    ["dots before a parameter", "/repos/acme/..;/evil"],
    ["dots before an escaped parameter", "/repos/acme/..%3b/evil"],
    ["dots and a blank", "/repos/acme/..%20/evil"],
    ["three dots", "/repos/acme/.../evil"],
    ["dots and a NUL", "/repos/acme/..%00/evil"],
    ["an escaped slash", "/repos/acme%2fevil"],
    ["an escaped slash within", "/repos/acme/a%2F..%2F..%2Fevil"],
    ["a slash escaped twice", "/repos/acme/a%252fb"],
    ["a backslash", "/repos/acme/..\\evil"],
    ["an escaped backslash", "/repos/acme/..%5c..%5cevil"],
    ["two slashes", "/repos//acme/x"],
    ["two slashes at the beginning", "//user"],
    ["two slashes with a host", "//evil.example/user"],
    ["a parameter", "/repos/acme/x;v=1"],
    ["a parameter at the rule's own segment", "/repos;x/acme/y"],
    ["a parameter at the end", "/user;"],
    ["an escaped question mark", "/repos/acme/x%3fy"],
    ["an escaped number sign", "/repos/acme/x%23y"],
    ["an overlong slash", "/repos/acme/a%c0%afb"],
    ["an overlong dot", "/repos/acme/%c0%ae%c0%ae/evil"],
    ["an overlong slash of three octets", "/repos/acme/%e0%80%af"],
    ["a surrogate", "/repos/acme/%ed%a0%80"],
    ["an octet that is no UTF-8", "/repos/acme/%ff"],
    ["UTF-8 as it is", "/repos/acme/caf\u00c3\u00a9"],
    ["Latin-1 as it is", "/repos/acme/caf\u00e9"],
    ["a fullwidth slash", "/repos/acme/%EF%BC%8Fevil"],
    ["fullwidth dots", "/repos/acme/%EF%BC%8E%EF%BC%8E/evil"],
    ["a two dot leader", "/repos/acme/%E2%80%A5/evil"],
    ["an account-of sign, which has a slash", "/repos/acme/%E2%84%80"],
    ["an IIS escape", "/repos/acme/%u002e%u002e/evil"],
    ["a broken escape", "/repos/acme/%zz"],
    ["a cut escape", "/repos/acme/%2"],
    ["a NUL as it is", "/repos/acme/\0"],
    ["a control character", "/repos/acme/\x01"],
    ["a tab", "/repos/acme/a\tb"],
    ["a delete", "/repos/acme/\x7f"],
    ["an escaped line end", "/repos/acme/a%0d%0ab"],
    ["an escaped C1 control", "/repos/acme/%c2%85"],
    ["a very long path", `/repos/acme/${"a".repeat(5000)}`],
    ["very many segments of none", `/repos/acme${"/".repeat(500)}x`],
    ["a query that looks like it", "/evil?/repos/acme/x"],
    ["a fragment", "/evil#/repos/acme/x"],
    ["a fragment behind the rule's path", "/user#/x"],
  ])("%s", async (_, path) => {
    for (const origin of ["", server.address]) {
      const { statuses, upstream: came } = await send(token, `${origin}/proxy/api${path}`);
      expect([came, statuses.length], path).toEqual([[], 1]);
      expect([400, 403, 404], path).toContain(statuses[0]);
    }
  });

  test.each([
    ["a blank", "/repos/acme/a b"],
    ["a bare line feed", "/repos/acme/a\nX: y"],
    ["a bare carriage return", "/repos/acme/a\rX: y"],
    ["a line end with another request", "/user HTTP/1.1\r\nHost: x\r\n\r\nGET /proxy/api/evil"],
  ])("anything but the rule's paths of a target with %s", async (_, path) => {
    const { upstream: came } = await send(token, `/proxy/api${path}`, createRawCaller(server.address));
    for (const each of came) expect([`${BASE}/user`, `${BASE}/repos/acme/a`]).toContain(each);
  });

  test.each([
    ["another service's name before dots", "/proxy/other/../api/evil"],
    ["the service's name, escaped", "/proxy/%61pi/evil"],
    ["a way round /proxy", "/proxy/./api/evil"],
    ["two slashes before it", "//proxy/api/evil"],
    ["a way out of /proxy and in again", "/health/../proxy/api/evil"],
    ["an authority form", "127.0.0.1:80"],
    ["an asterisk form", "*"],
    ["an absolute form of another scheme", "ftp://127.0.0.1/proxy/api/evil"],
    ["an absolute form of another host", "http://evil.example/proxy/api/evil"],
    ["an absolute form with a user", "http://user@127.0.0.1/proxy/api/evil"],
  ])("%s", async (_, whole) => {
    const { statuses, upstream: came } = await send(token, whole);
    expect([came, statuses.length]).toEqual([[], 1]);
    expect(statuses[0]).toBeGreaterThanOrEqual(400);
  });

  test("and what the rules mean comes, however it is asked for", async () => {
    for (const path of [
      "/user",
      "/user?a=/../b",
      "/repos/acme",
      "/repos/acme/",
      "/repos/acme/caf%C3%A9/a%2Bb",
    ]) {
      for (const origin of ["", server.address]) {
        const answer = await send(token, `${origin}/proxy/api${path}`);
        expect(answer).toEqual({ statuses: [200], upstream: [BASE + path] });
      }
    }
  });
});

test("a token that may use all of the service does not leave its base path either", async () => {
  const token = await makeToken(server, admin, { policy: { rules: [{ service: "api" }] } });
  const allowed = { count: 0 };
  for (const text of fc.sample(target(pathNear("/**/a/**/b")), 500)) {
    const answer = await send(token, text);
    for (const came of answer.upstream) pathBelowBase(came);
    allowed.count += answer.upstream.length;
  }
  expect(allowed.count).toBeGreaterThan(50);
});
