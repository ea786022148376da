import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { startLiveVault, type LiveVault } from "./live-vault.js";
import type { RunningServer } from "./processes.js";
import { headerValues, startUpstream, type Upstream } from "./tls-upstream.js";
import { call } from "./vault-calls.js";

const SECRET = "k3y-0123456789abcdefABCDEF";
const basic = (pair: string): string => `Basic ${Buffer.from(pair).toString("base64")}`;

let live: LiveVault;
let upstream: Upstream;
let server: RunningServer;
let admin: string;
let token: string;

beforeAll(async () => {
  live = await startLiveVault();
  ({ upstream, server, admin, token } = live);
  const services: [string, object, string?][] = [
    ["bearer", { type: "bearer", token: SECRET }],
    ["header", { type: "header", header_name: "X-Custom-Key", header_value: SECRET }],
    ["headers", { type: "headers", headers: { "DD-API-KEY": SECRET, "DD-APPLICATION-KEY": `${SECRET}2` } }],
    ["basic", { type: "basic", username: "ann", password: SECRET }],
    ["url", { type: "url", token: SECRET }, "/bot{token}"],
    ["query", { type: "query", params: { key: SECRET } }],
    ["based", { type: "bearer", token: SECRET }, "/v1/"],
  ];
  for (const [name, auth, path = ""] of services) {
    await live.addService(name, auth, { base_url: `${upstream.origin}${path}` });
  }
});

afterAll(() => live.close());

beforeEach(() => {
  upstream.requests.length = 0;
});

function received(): Upstream["requests"][number] {
  const [request] = upstream.requests;
  if (request === undefined || upstream.requests.length !== 1) {
    throw new Error(`the upstream received ${upstream.requests.length} requests`);
  }
  return request;
}

describe("the credential arrives, and the caller's token does not", () => {
  test.each([
    ["bearer", "/x", "authorization", [`Bearer ${SECRET}`]],
    ["header", "/x", "x-custom-key", [SECRET]],
    ["headers", "/x", "dd-api-key", [SECRET]],
    ["headers", "/x", "dd-application-key", [`${SECRET}2`]],
    ["basic", "/x", "authorization", [basic(`ann:${SECRET}`)]],
    ["url", `/bot${SECRET}/x`, "authorization", []],
    ["query", `/x?key=${SECRET}`, "authorization", []],
    ["based", "/v1/x", "authorization", [`Bearer ${SECRET}`]],
  ])("%s: %s with %s %j", async (service, target, header, values) => {
    const answer = await call(server.address, "GET", `/proxy/${service}/x`, { token });
    expect(answer).toMatchObject({ status: 200, json: { ok: true } });
    expect(received().target).toBe(target);
    expect(headerValues(received().rawHeaders, header)).toEqual(values);
    expect(JSON.stringify(upstream.requests)).not.toContain("tok_");
  });
});

describe("the token is taken from where an official SDK puts its key, and stripped", () => {
  const places: [string, (t: string) => { headers?: string[]; query?: string }][] = [
    ["Authorization: Bearer", (t) => ({ headers: ["Authorization", `Bearer ${t}`] })],
    ["Authorization: token", (t) => ({ headers: ["authorization", `token ${t}`] })],
    ["Basic user name", (t) => ({ headers: ["Authorization", basic(`${t}:`)] })],
    ["Basic password", (t) => ({ headers: ["Authorization", basic(`x:${t}`)] })],
    ["x-vault-token", (t) => ({ headers: ["X-Vault-Token", t] })],
    ["x-api-key", (t) => ({ headers: ["x-api-key", t] })],
    ["api-key", (t) => ({ headers: ["api-key", t] })],
    ["x-goog-api-key", (t) => ({ headers: ["x-goog-api-key", t] })],
    ["the service's own header", (t) => ({ headers: ["x-custom-key", t] })],
    ["the service's own parameter", (t) => ({ query: `?a=1&key=${t}&b=2` })],
  ];
  test.each(places)("%s", async (_place, put) => {
    const { headers = [], query } = put(token);
    const service = query === undefined ? "header" : "query";
    const answer = await call(server.address, "GET", `/proxy/${service}/x${query ?? ""}`, { headers });
    expect(answer.status).toBe(200);
    expect(JSON.stringify(upstream.requests)).not.toContain("tok_");
    if (query === undefined) expect(headerValues(received().rawHeaders, "x-custom-key")).toEqual([SECRET]);
    else expect(received().target).toBe(`/x?a=1&b=2&key=${SECRET}`);
  });

  test("two different tokens are refused", async () => {
    const answer = await call(server.address, "GET", "/proxy/bearer/x", {
      headers: ["Authorization", `Bearer ${token}`, "x-api-key", `tok_${"A".repeat(43)}`],
    });
    expect(answer).toMatchObject({ status: 400, json: { code: "invalid_request" } });
  });
});

describe("the caller cannot override, shadow or add to the credential", () => {
  const forms = (name: string): string[] => [name, name.toUpperCase(), name.replaceAll("-", "_")];
  const authClass = [
    ...["authorization", "proxy-authorization", "x-vault-token", "x-api-key", "api-key", "apikey"],
    ...["x-goog-api-key", "x-auth-token", "x-access-token", "private-token", "x-custom-key"],
  ].flatMap(forms);

  test.each([...new Set(authClass)])("%s", async (name) => {
    const answer = await call(server.address, "GET", "/proxy/header/x", {
      headers: ["X-Vault-Token", token, name, "evil-1", name, "evil-2", "X-Kept", "kept"],
    });
    expect(answer.status).toBe(200);
    expect(JSON.stringify(upstream.requests)).not.toContain("evil");
    expect(headerValues(received().rawHeaders, "x-custom-key")).toEqual([SECRET]);
    expect(headerValues(received().rawHeaders, "x-kept")).toEqual(["kept"]);
  });

  test("a header named by Connection does not arrive, the credential does", async () => {
    const headers = ["Connection", "keep-alive, X-Custom-Key, X-Hop", "X-Hop", "1", "X-Vault-Token", token];
    await call(server.address, "GET", "/proxy/header/x", { headers });
    expect(headerValues(received().rawHeaders, "x-hop")).toEqual([]);
    expect(headerValues(received().rawHeaders, "x-custom-key")).toEqual([SECRET]);
  });

  test.each(["key=evil", "KEY=evil", "k%65y=evil", "key[]=evil", "a=1;key=evil"])("?%s", async (query) => {
    await call(server.address, "GET", `/proxy/query/x?${query}&kept=1`, { token });
    expect(received().target).not.toContain("evil");
    expect(received().target).toContain("kept=1");
  });
});

describe("headers", () => {
  test("of the request keep order, case, repeats and bytes; what must not pass is dropped", async () => {
    const kept = [
      "X-B",
      "2",
      "x-a",
      "1",
      "X-B",
      "3",
      "Accept",
      "*/*",
      "X-Latin",
      "caf\u00e9",
      "Accept-Encoding",
      "br",
    ];
    const dropped = [
      ...[
        "Cookie",
        "a=b",
        "Forwarded",
        "for=1.2.3.4",
        "X-Forwarded-For",
        "1.2.3.4",
        "X-Forwarded-Host",
        "evil",
      ],
      ...[
        "X-Vault-Anything",
        "1",
        "Proxy-Connection",
        "keep-alive",
        "TE",
        "trailers",
        "Keep-Alive",
        "timeout=5",
      ],
    ];
    await call(server.address, "GET", "/proxy/bearer/x", { token, headers: [...kept, ...dropped] });
    const { rawHeaders } = received();
    const names = rawHeaders.filter((_name, index) => index % 2 === 0);
    expect(names.filter((name) => !/^(host|connection|authorization)$/i.test(name))).toEqual(
      kept.filter((_name, index) => index % 2 === 0),
    );
    expect(headerValues(rawHeaders, "x-b")).toEqual(["2", "3"]);
    expect(headerValues(rawHeaders, "x-latin")).toEqual(["caf\u00e9"]);
    expect(headerValues(rawHeaders, "host")).toEqual([new URL(upstream.origin).host]);
  });

  test("are not lost for being many", async () => {
    const headers = Array.from({ length: 2500 }, (_unused, index) => ["X-N", String(index)]).flat();
    expect((await call(server.address, "GET", "/proxy/bearer/x", { token, headers })).status).toBe(200);
    expect(headerValues(received().rawHeaders, "x-n")).toHaveLength(2500);
  });

  test("of the answer keep what is the API's, and lose what would act on the vault's origin", async () => {
    const loud = await startUpstream(live.certificates, (_request, response) => {
      response.writeHead(201, "Made It", [
        ...["X-Two", "a", "X-Two", "b", "Content-Type", "text/html", "X-Latin", "caf\u00e9", "ETag", '"1"'],
        ...[
          "Set-Cookie",
          "s=1",
          "Set-Cookie",
          "t=2",
          "Access-Control-Allow-Origin",
          "*",
          "X-Frame-Options",
          "ALLOW",
        ],
        ...["Content-Security-Policy", "default-src *", "Strict-Transport-Security", "max-age=1"],
        ...[
          "Cross-Origin-Opener-Policy",
          "unsafe-none",
          "Permissions-Policy",
          "camera=*",
          "X-Vault-Error",
          "forged",
        ],
        ...["Connection", "X-Hop", "X-Hop", "1", "X-Vault-Request-Id", "forged"],
      ]);
      response.end("<p>hi</p>");
    });
    await live.addService("loud", { type: "bearer", token: SECRET }, { base_url: loud.origin });
    const answer = await call(server.address, "GET", "/proxy/loud/", { token });
    await loud.close();
    const values = (name: string): string[] => headerValues(answer.rawHeaders, name);
    expect(answer).toMatchObject({ status: 201, text: "<p>hi</p>" });
    expect(values("x-two")).toEqual(["a", "b"]);
    expect(values("x-latin")).toEqual(["caf\u00e9"]);
    expect(values("etag")).toEqual(['"1"']);
    for (const name of [
      ...["set-cookie", "access-control-allow-origin", "strict-transport-security", "x-vault-error", "x-hop"],
      ...["cross-origin-opener-policy", "permissions-policy"],
    ]) {
      expect(values(name), name).toEqual([]);
    }
    expect(values("content-security-policy")).toEqual(["sandbox; default-src 'none'"]);
    expect(values("x-frame-options")).toEqual(["DENY"]);
    expect(values("x-content-type-options")).toEqual(["nosniff"]);
    expect(values("x-vault-request-id")).toHaveLength(1);
    expect(values("x-vault-request-id")).not.toEqual(["forged"]);
  });

  test("cookies pass only where the service says so; default headers go out when the caller sent none", async () => {
    await live.addService(
      "cookies",
      { type: "bearer", token: SECRET },
      { forward_cookies: true, headers: { "api-version": "2023-06-01", "X-Other": "default" } },
    );
    await call(server.address, "GET", "/proxy/cookies/x", {
      token,
      headers: ["Cookie", "a=b", "X-OTHER", "mine"],
    });
    const { rawHeaders } = received();
    expect(headerValues(rawHeaders, "cookie")).toEqual(["a=b"]);
    expect(headerValues(rawHeaders, "api-version")).toEqual(["2023-06-01"]);
    expect(headerValues(rawHeaders, "x-other")).toEqual(["mine"]);
  });
});

describe("the raw path reaches the upstream byte for byte", () => {
  test.each([
    ["", "/v1"],
    ["/", "/v1/"],
    ["?", "/v1?"],
    ["?a=%20+", "/v1?a=%20+"],
    ["/a%2Fb", "/v1/a%2Fb"],
    ["/a%2fb", "/v1/a%2fb"],
    ["/100%25", "/v1/100%25"],
    ["/%25ef", "/v1/%25ef"],
    ["/100%", "/v1/100%"],
    ["//x", "/v1//x"],
    ["/x//", "/v1/x//"],
    ["/a;b=c/d", "/v1/a;b=c/d"],
    ["/...", "/v1/..."],
    ["/a..b/.c", "/v1/a..b/.c"],
    ["/!$&'()*+,=:@~-_", "/v1/!$&'()*+,=:@~-_"],
    ["/x?a=../..&b=%2e%2e&c=//&d=?", "/v1/x?a=../..&b=%2e%2e&c=//&d=?"],
    ["/x?a=1&&b&=c&d==", "/v1/x?a=1&&b&=c&d=="],
    [`/${"p".repeat(8192)}`, `/v1/${"p".repeat(8192)}`],
  ])("%s", async (path, target) => {
    const answer = await call(server.address, "GET", `/proxy/based${path}`, { token });
    expect(answer.status).toBe(200);
    expect(received().target).toBe(target);
  });

  test("an empty path on a bare origin is /", async () => {
    await call(server.address, "GET", "/proxy/bearer", { token });
    expect(received().target).toBe("/");
  });

  test.each([
    ...[
      "/..",
      "/../",
      "/a/../b",
      "/./a",
      "/.",
      "/%2e%2e/",
      "/%2E%2e",
      "/.%2e/x",
      "/%252e%252e/",
      "/%25252e%2e/x",
    ],
    ...[
      "/..%2fx",
      "/a%2f..%2fb",
      "/..%5c",
      "/..%5Cx",
      "/%2e%2e%5c",
      "/..%255c",
      "/a\\..\\b",
      "/..;/x",
      "/%2e%2e;a=b/",
    ],
  ])("%s is refused", async (path) => {
    const answer = await call(server.address, "GET", `/proxy/based${path}`, { token });
    expect(answer).toMatchObject({ status: 400, json: { code: "invalid_request" } });
    expect(headerValues(answer.rawHeaders, "x-vault-error")).toEqual(["invalid_request"]);
    expect(upstream.requests).toEqual([]);
  });

  test("an absolute-form target never picks the upstream", async () => {
    const answer = await call(server.address, "GET", "http://evil.example/proxy/based/x?y", { token });
    expect(answer.status).toBe(200);
    expect(received().target).toBe("/v1/x?y");
  });
});

describe("a query that cannot go on the wire as it is", () => {
  test.each(["?a#b", "?q=caf\u00e9"])("%s is refused", async (query) => {
    const answer = await call(server.address, "GET", `/proxy/based/x${query}`, { token });
    expect(answer).toMatchObject({ status: 400, json: { code: "invalid_request" } });
    expect(upstream.requests).toEqual([]);
  });
});

test("a service that is replaced is replaced for the very next call", async () => {
  for (const credential of ["first-0123456789", "second-0123456789"]) {
    await live.addService("replaced", { type: "bearer", token: credential });
    upstream.requests.length = 0;
    await call(server.address, "GET", "/proxy/replaced/x", { token });
    expect(headerValues(received().rawHeaders, "authorization")).toEqual([`Bearer ${credential}`]);
  }
});

describe("bodies and methods", () => {
  test.each(["POST", "PUT", "PATCH", "DELETE", "GET", "OPTIONS"])(
    "%s sends its body as it is",
    async (method) => {
      const body = Buffer.from([0, 255, 1, 254, 13, 10]);
      const answer = await call(server.address, method, "/proxy/bearer/x", { token, body });
      expect(answer.status).toBe(200);
      expect(received()).toMatchObject({ method, body });
    },
  );

  test("a chunked body arrives chunked, a sized one with its length", async () => {
    await call(server.address, "POST", "/proxy/bearer/x", {
      token,
      body: "abc",
      headers: ["Transfer-Encoding", "chunked"],
    });
    expect(headerValues(received().rawHeaders, "content-length")).toEqual([]);
    expect(received().body.toString()).toBe("abc");
    upstream.requests.length = 0;
    await call(server.address, "POST", "/proxy/bearer/x", { token, body: "abcd" });
    expect(headerValues(received().rawHeaders, "content-length")).toEqual(["4"]);
  });

  test("HEAD has the answer's headers and no body", async () => {
    const answer = await call(server.address, "HEAD", "/proxy/bearer/x", { token });
    expect(answer).toMatchObject({ status: 200, text: "" });
    expect(answer.headers["content-type"]).toBe("application/json");
  });

  test("TRACE is refused", async () => {
    const answer = await call(server.address, "TRACE", "/proxy/bearer/x", { token });
    expect(answer).toMatchObject({ status: 405, json: { code: "method_not_allowed" } });
    expect(upstream.requests).toEqual([]);
  });

  test("a redirect is the caller's to follow", async () => {
    const redirecting = await startUpstream(live.certificates, (_request, response) => {
      response.writeHead(302, { Location: "https://elsewhere.example/" }).end();
    });
    await live.addService("redirecting", { type: "bearer", token: SECRET }, { base_url: redirecting.origin });
    const answer = await call(server.address, "GET", "/proxy/redirecting/", { token });
    await redirecting.close();
    expect(answer.status).toBe(302);
    expect(answer.headers.location).toBe("https://elsewhere.example/");
  });
});

describe("where bytes may go", () => {
  test("a loopback address needs allow_private, and is refused at creation already", async () => {
    const answer = await call(server.address, "POST", "/services", {
      token: admin,
      body: JSON.stringify({
        name: "local",
        base_url: upstream.origin,
        auth: { type: "bearer", token: SECRET },
      }),
    });
    expect(answer).toMatchObject({ status: 400, json: { code: "invalid_request" } });
    expect((answer.json as { error: string }).error).toMatch(/^base_url: /);
  });

  test("an untrusted certificate is refused before a byte of credential", async () => {
    await live.addService("untrusted", { type: "bearer", token: SECRET }, { tls_ca: undefined });
    const answer = await call(server.address, "GET", "/proxy/untrusted/x", { token });
    expect(answer).toMatchObject({ status: 502, json: { code: "upstream_failed" } });
    expect(answer.text).toMatch(/certificate/);
    expect(upstream.requests).toEqual([]);
  });

  test("tls_skip_verify accepts it", async () => {
    await live.addService(
      "unverified",
      { type: "bearer", token: SECRET },
      { tls_skip_verify: true, tls_ca: undefined, allow_private: false },
    );
    expect((await call(server.address, "GET", "/proxy/unverified/x", { token })).status).toBe(200);
  });

  test("an upstream that is not there is 502, without the library's words", async () => {
    await live.addService(
      "gone",
      { type: "bearer", token: SECRET },
      { base_url: "https://127.0.0.1:1", tls_ca: undefined },
    );
    const answer = await call(server.address, "GET", "/proxy/gone/x", { token });
    expect(answer).toMatchObject({ status: 502, json: { code: "upstream_failed" } });
    expect(answer.text).not.toMatch(/ECONN|127\.0\.0\.1/);
    expect(headerValues(answer.rawHeaders, "x-vault-error")).toEqual(["upstream_failed"]);
  });
});
