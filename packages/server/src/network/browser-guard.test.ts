import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { createBrowserGuard } from "./browser-guard.js";

const guard = createBrowserGuard({
  tlsNames: ["vault.example", "*.agents.example", "*.com", "*"],
  allowedHosts: ["Proxy.Internal:8390", "*.lan.example"],
  unixSocket: false,
});
const local = ["Host", "127.0.0.1:8390"];
const codeOf = (headers: readonly string[], method = "GET", target = "/health"): string =>
  guard(headers, method, target)?.code ?? "admitted";

describe("Host", () => {
  test.each([
    "127.0.0.1",
    "127.0.0.1:8390",
    "10.1.2.3:1",
    "[::1]",
    "[::1]:8390",
    "localhost",
    "LOCALHOST:8390",
    "localhost.",
    "vault.example",
    "Vault.Example.:443",
    "a.agents.example",
    "proxy.internal",
    "proxy.internal:1",
    "x.lan.example:80",
    "localhost:",
  ])("%s is served", (host) => expect(codeOf(["host", host])).toBe("admitted"));

  test.each([
    "evil.example",
    "evil.example:8390",
    "localhost.evil.example",
    "127.0.0.1.evil.example",
    "agents.example",
    "a.b.agents.example",
    ".agents.example",
    "x.com",
    "com",
    "0x7f.1",
    "2130706433",
    "app.localhost",
  ])("%s is refused", (host) => expect(codeOf(["Host", host])).toBe("forbidden"));

  test.each([
    "",
    "a b",
    "u@localhost",
    "localhost:port",
    "[::1",
    "::1",
    "[localhost]",
    "localhost/x",
    "localhost,localhost",
  ])("%j is no valid Host", (host) => expect(codeOf(["Host", host])).toBe("invalid_request"));

  test("must be there, once", () => {
    expect(codeOf([])).toBe("invalid_request");
    expect(codeOf(["Host", "localhost", "host", "localhost"])).toBe("invalid_request");
  });

  test("is not checked on a unix socket, but a second one is refused there too", () => {
    const unix = createBrowserGuard({ tlsNames: [], allowedHosts: [], unixSocket: true });
    expect(unix(["Host", "anything.example"], "GET", "/")).toBeUndefined();
    expect(unix([], "GET", "/")).toBeUndefined();
    expect(unix(["Host", "a", "Host", "a"], "GET", "/")?.code).toBe("invalid_request");
    expect(unix(["Host", "localhost", "Origin", "https://evil.example"], "GET", "/")?.code).toBe("forbidden");
  });
});

describe("Origin", () => {
  test.each([
    [["Host", "127.0.0.1:8390", "Origin", "http://127.0.0.1:8390"], "admitted"],
    [["Host", "127.0.0.1:8390", "Origin", "https://127.0.0.1:8390"], "admitted"],
    [["Host", "localhost:8390", "Origin", "http://LOCALHOST:8390"], "admitted"],
    [["Host", "[::1]:8390", "Origin", "http://[::1]:8390"], "admitted"],
    [["Host", "vault.example", "Origin", "https://vault.example"], "admitted"],
    [["Host", "vault.example:443", "Origin", "https://vault.example"], "admitted"],
    [["Host", "localhost", "Origin", "http://localhost:80"], "admitted"],
    [["Host", "vault.example", "Origin", "https://vault.example:8443"], "forbidden"],
    [["Host", "localhost:8390", "Origin", "http://localhost:3000"], "forbidden"],
    [["Host", "localhost:8390", "Origin", "http://127.0.0.1:8390"], "forbidden"],
    [["Host", "localhost:8390", "Origin", "http://localhost"], "forbidden"],
    [["Host", "localhost:8390", "Origin", "null"], "forbidden"],
    [["Host", "localhost:8390", "Origin", ""], "forbidden"],
    [["Host", "localhost:8390", "Origin", "https://evil.example"], "forbidden"],
    [["Host", "localhost:8390", "Origin", "http://localhost:8390@evil.example"], "forbidden"],
    [["Host", "localhost:8390", "Origin", "chrome-extension://localhost:8390"], "forbidden"],
    [
      ["Host", "localhost:8390", "Origin", "http://localhost:8390", "Origin", "http://localhost:8390"],
      "forbidden",
    ],
  ])("%j is %s", (headers, expected) => {
    expect(codeOf(headers)).toBe(expected);
    expect(codeOf(headers, "POST", "/proxy/svc/x")).toBe(expected);
  });
});

describe("Sec-Fetch-Site", () => {
  test.each([
    ["none", "admitted"],
    ["same-origin", "admitted"],
    ["same-site", "forbidden"],
    ["cross-site", "forbidden"],
    ["Cross-Site", "forbidden"],
    ["", "forbidden"],
    ["other", "forbidden"],
  ])("%j is %s", (site, expected) => expect(codeOf([...local, "Sec-Fetch-Site", site])).toBe(expected));

  test("one bad value among several is enough", () => {
    expect(codeOf([...local, "sec-fetch-site", "none", "Sec-Fetch-Site", "cross-site"])).toBe("forbidden");
  });
});

describe("the OAuth callback", () => {
  const navigation = [
    ...local,
    "Sec-Fetch-Site",
    "cross-site",
    "Sec-Fetch-Mode",
    "navigate",
    "Sec-Fetch-Dest",
    "document",
  ];
  const callback = "/auth/oauth2/callback?code=x&state=y";

  test("may be opened from a provider's page", () => {
    expect(codeOf(navigation, "GET", callback)).toBe("admitted");
    expect(codeOf([...navigation, "Origin", "https://provider.example"], "GET", callback)).toBe("admitted");
  });

  test.each<[string, string[], string, string]>([
    ["another method", navigation, "POST", callback],
    ["another path", navigation, "GET", "/auth/oauth2/callback/"],
    ["a path that hides it", navigation, "GET", "/services?/auth/oauth2/callback"],
    ["a frame", navigation.with(-1, "iframe"), "GET", callback],
    ["a script's request", navigation.with(-3, "cors"), "GET", callback],
    ["no mode", navigation.slice(0, 4), "GET", callback],
    ["a foreign Host", ["Host", "evil.example", ...navigation.slice(2)], "GET", callback],
  ])("is refused for %s", (_what, headers, method, target) => {
    expect(codeOf(headers, method, target)).toBe("forbidden");
  });
});

test("no foreign Host or Origin is ever admitted", () => {
  const hostText = fc.oneof(
    fc.domain(),
    fc.string(),
    fc.domain().map((domain) => `localhost.${domain}`),
  );
  fc.assert(
    fc.property(hostText, (text) => {
      fc.pre(
        !/^(localhost\.?|vault\.example|(\d+\.){3}\d+)(:\d*)?$/i.test(text) && !text.endsWith(".example"),
      );
      expect(codeOf(["Host", text])).not.toBe("admitted");
      expect(codeOf([...local, "Origin", text])).not.toBe("admitted");
      expect(codeOf([...local, "Origin", `https://${text}`])).not.toBe("admitted");
    }),
  );
});
