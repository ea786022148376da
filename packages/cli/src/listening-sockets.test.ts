import fc from "fast-check";
import { describe, expect, test } from "vitest";

import { parseListeningSockets } from "./listening-sockets.js";

const HEAD =
  "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode";

function row(address: string, port: number, state: string, uid: number): string {
  const remote = "0".repeat(address.length);
  const hex = port.toString(16).toUpperCase().padStart(4, "0");
  return `   0: ${address}:${hex} ${remote}:0000 ${state} 00000000:00000000 00:00000000 00000000  ${uid}        0 1060 1 0 100`;
}

describe("parseListeningSockets", () => {
  test.each([
    ["127.0.0.1", "0100007F", true],
    ["127.1.2.3", "0302017F", true],
    ["0.0.0.0", "00000000", true],
    ["10.0.0.127", "7F00000A", false],
    ["::1", "00000000000000000000000001000000", true],
    ["::", "00000000000000000000000000000000", true],
    ["::ffff:127.0.0.1", "0000000000000000FFFF00000100007F", true],
    ["::ffff:0.0.0.0", "0000000000000000FFFF000000000000", true],
    ["::ffff:10.0.0.1", "0000000000000000FFFF00000100000A", false],
    ["fe80::1", "000080FE000000000000000001000000", false],
  ])("knows whether %s is reachable over loopback", (_, address, loopback) => {
    const text = `${HEAD}\n${row(address, 8390, "0A", 1000)}\n`;
    expect(parseListeningSockets(text, "LE")).toEqual([{ port: 8390, uid: 1000, inode: 1060, loopback }]);
  });

  test("reads big-endian machines", () => {
    expect(parseListeningSockets(row("7F000001", 80, "0A", 5), "BE")).toEqual([
      { port: 80, uid: 5, inode: 1060, loopback: true },
    ]);
    expect(parseListeningSockets(row("0100007F", 80, "0A", 5), "BE")[0]?.loopback).toBe(false);
  });

  test("passes over sockets that do not listen", () => {
    expect(parseListeningSockets(row("0100007F", 8390, "01", 0), "LE")).toEqual([]);
  });

  test("survives any text", () => {
    fc.assert(
      fc.property(fc.string(), fc.string(), (left, right) => {
        const sockets = parseListeningSockets(`${left}\n${row("0100007F", 1, "0A", 7)}\n${right}`, "LE");
        expect(sockets).toContainEqual({ port: 1, uid: 7, inode: 1060, loopback: true });
      }),
    );
  });
});
