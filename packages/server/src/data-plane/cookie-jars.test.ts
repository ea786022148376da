import { describe, expect, test } from "vitest";
import type { ServiceRecord } from "../auth-strategies/service-definition.js";
import { Secret } from "../redaction/secret.js";
import { createCookieJars } from "./cookie-jars.js";
import type { CookieJar } from "./cookie-jar.js";

const service = (settings: Partial<ServiceRecord> = {}, token = "one"): ServiceRecord => ({
  name: "api",
  base_url: "https://api.example.com/v1",
  auth: { type: "bearer", token: new Secret(token) },
  tls_skip_verify: false,
  session_cookies: true,
  allow_private: false,
  forward_cookies: false,
  ...settings,
});

const all = (...records: ServiceRecord[]): Map<string, ServiceRecord> =>
  new Map(records.map((record) => [record.name, record]));

function fill(jar: CookieJar, field = "sid=1"): CookieJar {
  jar.take([Buffer.from("Set-Cookie"), Buffer.from(field)], "/");
  return jar;
}

describe("the jars of all services", () => {
  test("are one each, also on one host", () => {
    const jars = createCookieJars(Date.now);
    const [one, two] = [service(), service({ name: "other" })];
    fill(jars.of(one), "sid=1");
    fill(jars.of(two), "sid=2");
    expect(jars.of(one).header("/")).toBe("sid=1");
    expect(jars.of(two).header("/")).toBe("sid=2");
  });

  test.each([
    ["nothing", service()],
    ["what does not concern the session", service({ description: "changed", idle_timeout: "1s" })],
  ])("stay when %s changes, though the record is another", (_what, changed) => {
    const jars = createCookieJars(Date.now);
    const jar = fill(jars.of(service()));
    jars.update(all(changed));
    expect(jars.of(changed)).toBe(jar);
    expect(jar.header("/")).toBe("sid=1");
  });

  test.each([
    ["the base URL", service({ base_url: "https://api.example.com/v2" })],
    ["the credential", service({}, "two")],
    ["whom it trusts", service({ tls_skip_verify: true })],
    ["the auth type", service({ auth: { type: "url", token: new Secret("one") } })],
    ["session_cookies", service({ session_cookies: false })],
    ["the service", undefined],
  ])("go when %s changes or goes, also from calls under way", (_what, changed) => {
    const jars = createCookieJars(Date.now);
    const jar = fill(jars.of(service()));
    jars.update(changed === undefined ? new Map() : all(changed));
    expect(fill(jar).size).toBe(0);
    expect(jars.of(service())).not.toBe(jar);
    expect(jars.of(service()).size).toBe(0);
  });

  test("stay when an access token is refreshed, and the refresh token replaced", () => {
    const renewed = (access: string, refresh: string, clientId = "me"): ServiceRecord => {
      const secrets = { access_token: new Secret(access), refresh_token: new Secret(refresh) };
      const auth = {
        type: "oauth2_client",
        client_id: clientId,
        token_url: "https://x.example/t",
        ...secrets,
      };
      return service({ auth });
    };
    const jars = createCookieJars(Date.now);
    const jar = fill(jars.of(renewed("a1", "r1")));
    for (const record of [renewed("a2", "r1"), renewed("a3", "r2"), renewed("a4", "r3")])
      jars.update(all(record));
    expect(jars.of(renewed("a4", "r3"))).toBe(jar);
    jars.update(all(renewed("a4", "r3", "another")));
    expect(jar.size).toBe(0);
  });

  test("are told apart by their record when nobody told of the change", () => {
    const jars = createCookieJars(Date.now);
    const jar = fill(jars.of(service()));
    expect(jars.of(service({}, "two"))).not.toBe(jar);
    expect(jar.size).toBe(0);
  });

  test("are gone after a lock", () => {
    const jars = createCookieJars(Date.now);
    const record = service();
    const jar = fill(jars.of(record));
    jars.clear();
    expect(jar.size).toBe(0);
    expect(jars.of(record)).not.toBe(jar);
  });

  test("know host and scheme from the base URL", () => {
    const jars = createCookieJars(Date.now);
    const plain = jars.of(service({ base_url: "http://127.0.0.1:8080", allow_private: true }));
    fill(plain, "a=1; Secure");
    fill(plain, "b=2; Domain=127.0.0.1");
    fill(plain, "c=3; Domain=127.0.0.2");
    expect(plain.header("/")).toBe("b=2");
    const v6 = jars.of(service({ name: "v6", base_url: "https://[::1]:8443", allow_private: true }));
    fill(v6, "a=1; Secure; Domain=[::1]");
    expect(v6.header("/")).toBe("a=1");
  });
});
