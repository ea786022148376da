import { NewWithSocket, NewWithToken } from "@vault-proxy/client";
import { describe, expect, test } from "vitest";

import { encodeSize } from "./open-terminal.js";
import { addressOf } from "./shell-socket.js";

const size = { cols: 100, rows: 30 };

describe("a shell's WebSocket", () => {
  test.each([
    ["http://127.0.0.1:8390", "ws://127.0.0.1:8390"],
    ["https://vault.example/below", "wss://vault.example/below"],
    ["http://[::1]:1", "ws://[::1]:1"],
  ])("of a vault at %s goes to %s", (addr, origin) => {
    const target = "/ssh/box/session?cols=100&rows=30";
    expect(addressOf(NewWithToken(addr, ""), "box", size)).toEqual({ url: origin + target });
  });

  test("goes to a unix socket of any path", () => {
    expect(addressOf(NewWithSocket("/a b:c/v.sock", ""), "box", size)).toEqual({
      ...{ url: "ws://localhost/ssh/box/session?cols=100&rows=30", socketPath: "/a b:c/v.sock" },
    });
  });

  test("is told the terminal's size in two bytes each", () => {
    expect([...encodeSize({ cols: 300, rows: 50 })]).toEqual([1, 1, 44, 0, 50]);
  });
});
