import { once } from "node:events";
import { createServer, type AddressInfo } from "node:net";
import { describe, expect, onTestFinished, test } from "vitest";

import { assertTrustedListener, distrust, loopbackPort } from "./listener-check.js";

const mine = { port: 8390, uid: 1000, inode: 1, loopback: true };
const stranger = { port: 8390, uid: 1001, inode: 2, loopback: true };

describe("distrust", () => {
  test("trusts a listener of one's own or of root", () => {
    expect(distrust([mine], 8390, [0, 1000])).toBeUndefined();
    expect(distrust([{ ...mine, uid: 0 }], 8390, [0, 1000])).toBeUndefined();
  });

  test("names a stranger, also beside a trusted listener of another address", () => {
    expect(distrust([stranger], 8390, [0, 1000])).toContain("1001");
    expect(distrust([mine, stranger], 8390, [0, 1000])).toContain("1001");
  });

  test("other ports and addresses that loopback does not reach say nothing", () => {
    const others = [
      { ...stranger, port: 1 },
      { ...stranger, loopback: false },
    ];
    expect(distrust([mine, ...others], 8390, [0, 1000])).toBeUndefined();
    expect(distrust(others, 8390, [0, 1000])).toContain("cannot tell");
  });
});

describe("loopbackPort", () => {
  test.each([
    ["http://127.0.0.1:8390", 8390],
    ["http://localhost", 80],
    ["https://[::1]", 443],
    ["https://vault.example:8390", undefined],
    ["unix:/run/v.sock", undefined],
  ])("%s: %s", (address, port) => {
    expect(loopbackPort(address)).toBe(port);
  });
});

const delivery = { secret: "the password", advice: "pass --listener-uid" };

describe("assertTrustedListener", () => {
  test("accepts this process's own listener and refuses a port that nobody of this machine listens on", async () => {
    const server = createServer();
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    onTestFinished(() => void server.close());
    const { port } = server.address() as AddressInfo;
    await assertTrustedListener(`http://127.0.0.1:${port}`, undefined, delivery);
    server.close();
    await once(server, "close");
    const check = assertTrustedListener(`http://127.0.0.1:${port}`, undefined, delivery);
    if (process.platform === "linux") await expect(check).rejects.toThrow("refused to send the password");
    else await check;
    await assertTrustedListener(`http://127.0.0.1:${port}`, "any", delivery);
  });
});
