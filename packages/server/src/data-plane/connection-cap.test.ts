import { once } from "node:events";
import { connect, createServer, type AddressInfo, type Socket } from "node:net";
import { describe, expect, test, vi } from "vitest";
import type { LogFields } from "../redaction/logger.js";
import { capConnections, maxConnectionsWithin } from "./connection-cap.js";

const row = (soft: string): string =>
  [
    "Limit                     Soft Limit           Hard Limit           Units     ",
    "Max file size             unlimited            unlimited            bytes     ",
    `Max open files            ${soft.padEnd(20)} 524288               files     `,
    "Max locked memory         8388608              8388608              bytes     ",
  ].join("\n");

describe("the cap on connections", () => {
  test.each([
    ["the default where the system says nothing", undefined, 10_240],
    ["the default where what it says cannot be read", "garbage", 10_240],
    ["the default where files are plenty", row("524288"), 10_240],
    ["the default where files are not limited", row("unlimited"), 10_240],
    ["a share of the files where they are few", row("1024"), 409],
    ["one where there are next to none", row("1"), 1],
  ])("is %s", (_what, limits, expected) => {
    expect(maxConnectionsWithin(limits)).toBe(expected);
  });

  test("closes what is above it, and the log says so once a minute", async () => {
    let time = 0;
    const lines: [LogFields, string][] = [];
    const quiet = (): void => undefined;
    const server = createServer((socket) => socket.on("error", quiet));
    const log = {
      debug: quiet,
      info: quiet,
      error: quiet,
      warn: (...line: [LogFields, string]) => lines.push(line),
    };
    capConnections(server, 2, log, () => time);
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    const { port } = server.address() as AddressInfo;
    const open = async (): Promise<Socket> => {
      const socket = connect(port, "127.0.0.1").on("error", quiet);
      await once(socket, "connect");
      return socket;
    };
    const openOneTooMany = async (): Promise<void> => {
      const dropped = once(server, "drop");
      const socket = (await open()).resume();
      await dropped;
      if (!socket.closed) await once(socket, "close");
    };

    const openConnections = (): Promise<number> =>
      new Promise((resolve) => server.getConnections((_error, count) => resolve(count)));

    const kept = [await open(), await open()];
    expect(lines).toEqual([]);
    const message = expect.stringContaining("too many connections") as string;
    await openOneTooMany();
    expect(lines).toEqual([[{ open: 2, closed: 1 }, message]]);
    time = 59_999;
    await openOneTooMany();
    await openOneTooMany();
    expect(lines).toHaveLength(1);
    time = 60_000;
    await openOneTooMany();
    expect(lines.slice(1)).toEqual([[{ open: 2, closed: 3 }, message]]);
    expect(kept.map((socket) => socket.destroyed)).toEqual([false, false]);

    const freed = once(kept[0] ?? server, "close");
    kept[0]?.destroy();
    await freed;
    await vi.waitFor(async () => expect(await openConnections()).toBe(1));
    const next = await open();
    const closed = new Promise((resolve) => server.close(resolve));
    for (const socket of [...kept, next]) socket.destroy();
    await closed;
    expect(lines).toHaveLength(2);
  });
});
