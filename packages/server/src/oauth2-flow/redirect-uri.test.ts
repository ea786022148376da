import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { VaultProxyError } from "../errors/vault-proxy-error.js";
import { chooseRedirectUri, type OwnAddress } from "./redirect-uri.js";

const OWN: OwnAddress = { scheme: "http", host: "127.0.0.1:8390" };
const HERE = "http://localhost:8390/auth/oauth2/callback";

const installed = (...redirectUris: string[]) => ({ kind: "installed" as const, redirectUris });
const web = (...redirectUris: string[]) => ({ kind: "web" as const, redirectUris });
const choose = (options: Partial<Parameters<typeof chooseRedirectUri>[0]>): string =>
  chooseRedirectUri({ given: undefined, file: undefined, own: OWN, ...options });

function refusalOf(options: Parameters<typeof choose>[0]): string {
  try {
    return `taken: ${choose(options)}`;
  } catch (error) {
    if (error instanceof VaultProxyError && error.code === "invalid_request") return error.message;
    throw error;
  }
}

describe("the redirect URI without a file", () => {
  test.each<[OwnAddress, string]>([
    [OWN, "http://127.0.0.1:8390/auth/oauth2/callback"],
    [{ scheme: "http", host: "localhost:9000" }, "http://localhost:9000/auth/oauth2/callback"],
    [{ scheme: "http", host: "[::1]:8390" }, "http://[::1]:8390/auth/oauth2/callback"],
    [{ scheme: "https", host: "vault.example.com" }, "https://vault.example.com/auth/oauth2/callback"],
  ])("is made of the address that the request came by: %j", (own, expected) => {
    expect(choose({ own })).toBe(expected);
  });

  test.each([
    [
      { scheme: "http", host: "10.0.0.5:8390" } as const,
      /is required: providers take http on localhost only/,
    ],
    [{ scheme: "http", host: "vault.example.com" } as const, /is required/],
    [undefined, /is required, because this request came by a unix socket/],
  ])("must be given where the request came by %j", (own, reason) => {
    expect(refusalOf({ own })).toMatch(reason);
    expect(choose({ own, given: HERE })).toBe(HERE);
  });
});

describe("the redirect URI of a client file", () => {
  test.each<[string, ReturnType<typeof installed> | ReturnType<typeof web>, string]>([
    ["a bare localhost gets our port and path", installed("http://localhost"), HERE],
    ["a bare localhost with a slash too", installed("http://localhost/"), HERE],
    ["out-of-band is passed over", installed("urn:ietf:wg:oauth:2.0:oob", "http://localhost"), HERE],
    ["an address stays one", installed("http://127.0.0.1"), HERE.replace("localhost", "127.0.0.1")],
    ["another port of an installed program is ours", installed("http://localhost:1/"), HERE],
    ["a complete one is taken as it is", web(HERE), HERE],
    ["one on this machine comes first", web("https://vault.example.com/auth/oauth2/callback", HERE), HERE],
    [
      "one elsewhere is taken if there is no other",
      web("https://vault.example.com/auth/oauth2/callback"),
      "https://vault.example.com/auth/oauth2/callback",
    ],
    [
      "the one that leads here",
      web("http://localhost:3000/oauth", "https://vault.example.com/auth/oauth2/callback"),
      "https://vault.example.com/auth/oauth2/callback",
    ],
  ])("%s", (_title, file, expected) => {
    expect(choose({ file })).toBe(expected);
  });

  test.each([
    [web()],
    [web("http://localhost")],
    [web("http://localhost:8390/callback")],
    [web("https://example.com/auth/oauth2/callback/more")],
    [web("http://example.com/auth/oauth2/callback")],
    [installed("com.example.app:/oauth2redirect")],
    [installed("not a url")],
  ])("cannot be any of %j", (file) => {
    expect(refusalOf({ file })).toMatch(/^client_secret_file: has no redirect URI that ends in/);
    expect(choose({ file, given: HERE })).toBe(HERE);
  });

  test("that is a bare localhost is no use to a vault with TLS or on a unix socket", () => {
    const file = installed("http://localhost");
    const tls: OwnAddress = { scheme: "https", host: "localhost:8390" };
    expect(refusalOf({ file, own: tls })).toMatch(/^redirect_uri: is required/);
    expect(refusalOf({ file, own: undefined })).toMatch(/^redirect_uri: is required/);
  });
});

describe("a given redirect URI", () => {
  test.each([
    "https://vault.example.com/other/path?x=1",
    "http://localhost/cb",
    "http://127.9.9.9:1/cb",
    "http://[::1]:1/cb",
  ])("%s is sent byte for byte", (given) => {
    expect(choose({ given })).toBe(given);
  });

  test.each([
    ["http://example.com/cb", "must be https"],
    ["http://localhost.example.com/cb", "must be https"],
    ["http://10.0.0.1/cb", "must be https"],
    ["javascript:alert(1)", "must be https"],
    ["com.example.app:/cb", "must be https"],
    ["https://example.com/cb#x", "must not have a fragment"],
    ["https://user:pass@example.com/cb", "must not hold a user name"],
    ["https://example.com/a b", "is not a valid URL"],
    ["https://example.com\\@localhost/", "is not a valid URL"],
    ["/auth/oauth2/callback", "is not a valid URL"],
    [`https://example.com/${"x".repeat(2_048)}`, "is too long"],
  ])("%s is refused: %s", (given, reason) => {
    expect(refusalOf({ given })).toContain(`redirect_uri: ${reason}`);
  });

  test("is https or leads to this machine, whatever was given", () => {
    const uri = fc.oneof(
      fc.webUrl({ validSchemes: ["http", "https", "ftp"], withFragments: true }),
      fc.string().map((text) => `http://${text}`),
    );
    fc.assert(
      fc.property(uri, (given) => {
        const chosen = refusalOf({ given });
        if (!chosen.startsWith("taken: ")) return;
        const { protocol, hostname } = new URL(chosen.slice("taken: ".length));
        expect(protocol === "https:" || /^(?:localhost|127\.|\[::1\])/.test(hostname)).toBe(true);
      }),
    );
  });
});
