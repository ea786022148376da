import { describe, expect, test } from "vitest";

import { authDefinition, secretLabels, serviceDefinition } from "./service-definition.js";

describe("authDefinition", () => {
  test("puts each secret where its type wants it", () => {
    const headerName = ["DD-API-KEY", "DD-APPLICATION-KEY"];
    expect(authDefinition("bearer", {}, ["s"])).toEqual({ type: "bearer", token: "s" });
    expect(authDefinition("url", {}, ["s"])).toEqual({ type: "url", token: "s" });
    expect(authDefinition("header", { headerName: ["x-api-key"] }, ["s"])).toEqual({
      type: "header",
      header_name: "x-api-key",
      header_value: "s",
    });
    expect(authDefinition("headers", { headerName }, ["a", "b"])).toEqual({
      type: "headers",
      headers: { "DD-API-KEY": "a", "DD-APPLICATION-KEY": "b" },
    });
    expect(authDefinition("query", { paramName: ["key"] }, ["s"])).toEqual({
      type: "query",
      params: { key: "s" },
    });
    expect(authDefinition("basic", { username: "me" }, ["s"])).toEqual({
      type: "basic",
      username: "me",
      password: "s",
    });
  });

  test("a basic user name may be the secret, with or without a password", () => {
    expect(secretLabels("basic", {})).toEqual(["User name", "Password"]);
    expect(authDefinition("basic", {}, ["sk", "p"])).toEqual({
      type: "basic",
      username: "sk",
      password: "p",
    });
    expect(authDefinition("basic", {}, ["sk"])).toEqual({ type: "basic", username: "sk", password: "" });
  });

  test.each([
    ["bearer", {}, []],
    ["bearer", {}, [""]],
    ["bearer", {}, ["a-secret", "b"]],
    ["headers", { headerName: ["A", "B"] }, ["a-secret"]],
    ["header", {}, ["a-secret"]],
    ["header", { headerName: ["A", "B"] }, ["a-secret"]],
    ["query", {}, ["a-secret"]],
    ["basic", { username: "me" }, ["a-secret", "b"]],
  ] as const)("%s with %j refuses %j without repeating it", (type, flags, values) => {
    const refused = () => authDefinition(type, flags, values);
    expect(refused).toThrow(expect.objectContaining({ name: "UsageError" }));
    expect(refused).not.toThrow("a-secret");
  });
});

test("serviceDefinition names every field as the server does and leaves out what was not given", () => {
  const auth = { type: "bearer", token: "s" } as const;
  const bare = serviceDefinition("svc", "https://x", auth, { scrub: true }, undefined);
  expect(JSON.parse(JSON.stringify(bare))).toEqual({ name: "svc", base_url: "https://x", auth });
  const full = serviceDefinition(
    "svc",
    "https://x",
    auth,
    {
      header: ["Accept: text/plain"],
      description: "d",
      allowPrivate: true,
      tlsSkipVerify: true,
      forwardCookies: true,
      sessionCookies: true,
      scrub: false,
      connectTimeout: "1s",
      responseTimeout: "2s",
      idleTimeout: "3s",
      maxRequestBytes: "0",
    },
    "PEM",
  );
  expect(full).toEqual({
    name: "svc",
    base_url: "https://x",
    auth,
    headers: { Accept: "text/plain" },
    description: "d",
    allow_private: true,
    tls_ca: "PEM",
    tls_skip_verify: true,
    forward_cookies: true,
    session_cookies: true,
    scrub: "off",
    connect_timeout: "1s",
    response_timeout: "2s",
    idle_timeout: "3s",
    max_request_bytes: 0,
  });
});

test.each(["-1", "1MB", "", "1e3"])("--max-request-bytes %j is a usage error", (maxRequestBytes) => {
  const auth = { type: "bearer", token: "s" } as const;
  expect(() => serviceDefinition("svc", "https://x", auth, { maxRequestBytes }, undefined)).toThrow(
    "number of bytes",
  );
});
