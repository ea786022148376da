import { expect, test } from "vitest";

import { serviceSettings } from "./service-settings.js";

test("serviceSettings names every field as the server does and leaves out what was not given", () => {
  const bare = serviceSettings("https://x", { scrub: true }, undefined);
  expect(JSON.parse(JSON.stringify(bare))).toEqual({ base_url: "https://x" });
  const full = serviceSettings(
    "https://x",
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
      maxConnections: 4,
      requirePassword: true,
      anyLocalUser: true,
    },
    "PEM",
  );
  expect(full).toEqual({
    base_url: "https://x",
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
    max_connections: 4,
    require_password: true,
    any_local_user: true,
  });
});

test.each([
  ["0", 0],
  ["1500", 1500],
  ["100MB", 1e8],
  ["64 kib", 65_536],
  ["2GiB", 2 ** 31],
])("--max-request-bytes %j is %d bytes", (maxRequestBytes, bytes) => {
  expect(serviceSettings("https://x", { maxRequestBytes }, undefined).max_request_bytes).toBe(bytes);
});

test.each(["-1", "1M", "", "1e3", "1.5MB", "MB", "999999999999999GB"])(
  "--max-request-bytes %j is a usage error",
  (maxRequestBytes) => {
    expect(() => serviceSettings("https://x", { maxRequestBytes }, undefined)).toThrow("takes a size");
  },
);
