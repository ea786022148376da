import { expect, test } from "vitest";

import { hostAndPort, hostAndPortProblem } from "./host-and-port.js";

test.each([
  ["db.example.com:5432", { host: "db.example.com", port: 5432 }],
  ["db.example.com", { host: "db.example.com", port: undefined }],
  ["[::1]:5432", { host: "::1", port: 5432 }],
  ["::1", { host: "::1", port: undefined }],
  ["fe80::abc", { host: "fe80::abc", port: undefined }],
])("%s is a host and maybe a port", (host, expected) => {
  expect(hostAndPort({ host })).toEqual(expected);
  expect(hostAndPortProblem(host)).toBeUndefined();
});

test.each(["localhost:abc", "localhost:", "[::1]:x", "localhost:0", "localhost:65536", "a:-1"])(
  "%s is no host and port",
  (host) => {
    expect(() => hostAndPort({ host })).toThrow("is no port");
    expect(hostAndPortProblem(host)).toContain("is no port: write host:port");
  },
);

test("an answer must have a host at all", () => {
  expect(hostAndPortProblem("  ")).toBe("needed");
});
