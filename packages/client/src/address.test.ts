import { describe, expect, test } from "vitest";

import { parseAddress } from "./address.js";

describe("parseAddress", () => {
  test.each([
    "http://127.0.0.1:8390",
    "http://localhost:1",
    "http://[::1]:8390",
    "http://127.9.8.7",
    "https://v.example",
  ])("takes %s as confidential", (addr) => {
    expect(parseAddress(addr)).toMatchObject({ kind: "tcp", confidential: true });
  });

  test.each([
    "http://10.0.0.1:8390",
    "http://vault:8390",
    "http://127.0.0.1.example",
    "http://localhost.example",
  ])("takes %s as readable on the way", (addr) => {
    expect(parseAddress(addr)).toMatchObject({ kind: "tcp", confidential: false });
  });

  test("keeps a base path and drops trailing slashes", () => {
    expect(parseAddress("https://v.example/vault//")).toMatchObject({
      origin: "https://v.example",
      basePath: "/vault",
      label: "https://v.example/vault",
    });
  });

  test.each(["unix:/run/v.sock", "unix:///run/v.sock"])("takes %s as a socket", (addr) => {
    expect(parseAddress(addr)).toEqual({
      kind: "unix",
      socketPath: "/run/v.sock",
      label: "unix:/run/v.sock",
    });
  });

  test.each([
    "127.0.0.1:8390",
    "localhost:8390",
    "ftp://x",
    "",
    "unix:",
    "http://u:p@h",
    "http://h?x",
    "http://h#x",
  ])("refuses %j without repeating it", (addr) => {
    expect(() => parseAddress(addr)).toThrow(expect.objectContaining({ status: 0, code: "invalid_address" }));
  });
});
