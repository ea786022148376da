import type { Socket } from "node:net";
import { describe, expect, test } from "vitest";
import { parseTcpTable, type SocketOwners } from "../network/peer-user.js";
import { createPeerCheck, isLoopbackAddress } from "./peer-check.js";

const OWN_UID = 1000;
const OPENER = 2000;

const client = (ends: Partial<Record<keyof Socket, unknown>> = {}): Socket =>
  ({
    ...{ localAddress: "127.0.0.1", localPort: 8390, remoteAddress: "127.0.0.1", remotePort: 50_000 },
    ...ends,
  }) as unknown as Socket;

/** The kernel's row of that client (little-endian machines and big ones alike: 127.0.0.1 is looked up in both orders). */
function tableOf(uid: number): () => Promise<SocketOwners> {
  const rows = ["0100007F", "7F000001"].map(
    (address) =>
      `   0: ${address}:C350 ${address}:20C6 01 00000000:00000000 00:00000000 00000000 ${uid} 0 4242 1 0 20 4 30 10 -1`,
  );
  return () => Promise.resolve(parseTcpTable(`${rows.join("\n")}\n`));
}

const noTable = (): Promise<SocketOwners> => Promise.resolve(parseTcpTable(""));

describe("who may use a session", () => {
  test.each([
    ["the vault's own user", OWN_UID, undefined, true],
    ["root", 0, undefined, true],
    ["the user who opened it", OPENER, OPENER, true],
    ["another user", 3000, OPENER, false],
    ["another user, where the opener is not known", 3000, undefined, false],
  ])("%s (%i): %s opened it", async (_who, uid, opener, expected) => {
    const isAllowed = createPeerCheck({ platform: "linux", ownUid: OWN_UID, readTable: tableOf(uid) });
    expect(await isAllowed(client(), opener)).toBe(expected);
  });

  test.each([
    ["whose connection is in no table", client()],
    ["that is gone", client({ remoteAddress: undefined, remotePort: undefined })],
    ["whose end here is gone", client({ localAddress: undefined, localPort: undefined })],
  ])("nobody %s, even if the opener and the vault's user are not known", async (_who, socket) => {
    const isAllowed = createPeerCheck({ platform: "linux", ownUid: undefined, readTable: noTable });
    expect(await isAllowed(socket, undefined)).toBe(false);
  });

  test("whoever comes from elsewhere, or on another system", async () => {
    const linux = createPeerCheck({ platform: "linux", ownUid: OWN_UID, readTable: noTable });
    expect(await linux(client({ remoteAddress: "172.17.0.1" }), undefined)).toBe(true);
    const other = createPeerCheck({ platform: "darwin", ownUid: OWN_UID, readTable: noTable });
    expect(await other(client(), undefined)).toBe(true);
  });

  test.each([
    ["127.0.0.1", true],
    ["127.8.9.1", true],
    ["::1", true],
    ["::ffff:127.0.0.1", true],
    ["0.0.0.0", false],
    ["::", false],
    ["10.0.0.1", false],
    ["128.0.0.1", false],
  ])("%s is loopback: %s", (address, expected) => expect(isLoopbackAddress(address)).toBe(expected));
});
