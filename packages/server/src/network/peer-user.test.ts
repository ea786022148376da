import { createServer, connect, type AddressInfo, type Socket } from "node:net";
import { platform } from "node:os";
import { endianness } from "node:os";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { findPeerUid, parseTcpTable, readTcpTable, shareReads, type SocketOwners } from "./peer-user.js";

const HEADER =
  "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode";
/** The kernel prints addresses in words of the machine's byte order. */
const words = (hex: string): string =>
  endianness() === "LE" ? Buffer.from(hex, "hex").swap32().toString("hex").toUpperCase() : hex;

const V4 = words("7F000001");
const MAPPED = words("00000000000000000000FFFF7F000001");
const V6 = words("00000000000000000000000000000001");
const row = (
  local: string,
  remote: string,
  fields: { state?: string; uid?: string; inode?: string } = {},
): string =>
  `   0: ${local} ${remote} ${fields.state ?? "01"} 00000000:00000000 00:00000000 00000000  ${fields.uid ?? "1000"}        0 ${fields.inode ?? "4242"} 1 0 20 4 30 10 -1`;

const ours = { localAddress: "127.0.0.1", localPort: 8390, remoteAddress: "127.0.0.1", remotePort: 50000 };
const PEER = `${V4}:C350`;
const OWN = `${V4}:20C6`;

function find(
  rows: { tcp?: string[]; tcp6?: string[] },
  connection: Partial<typeof ours> = {},
): Promise<number | undefined> {
  return findPeerUid({
    ...ours,
    ...connection,
    readTable: (table) => {
      const found = rows[table];
      return found === undefined
        ? Promise.reject(new Error("ENOENT"))
        : Promise.resolve(parseTcpTable([HEADER, ...found, ""].join("\n")));
    },
  });
}

describe("findPeerUid", () => {
  test("gives the user of the peer's row, not of our own", async () => {
    expect(await find({ tcp: [row(OWN, PEER, { uid: "0" }), row(PEER, OWN)], tcp6: [] })).toBe(1000);
  });

  test("finds a peer on an IPv4-mapped socket, and our own end seen as one", async () => {
    expect(await find({ tcp6: [row(`${MAPPED}:C350`, `${MAPPED}:20C6`)] })).toBe(1000);
    const mapped = { localAddress: "::ffff:127.0.0.1", remoteAddress: "::ffff:127.0.0.1" };
    expect(await find({ tcp: [row(PEER, OWN)] }, mapped)).toBe(1000);
  });

  test("finds a peer over IPv6", async () => {
    const connection = { localAddress: "::1", remoteAddress: "::1" };
    expect(await find({ tcp6: [row(`${V6}:C350`, `${V6}:20C6`)] }, connection)).toBe(1000);
  });

  test.each<[string, string]>([
    ["without an inode", row(PEER, OWN, { inode: "0", uid: "0" })],
    ["in TIME_WAIT", row(PEER, OWN, { state: "06" })],
    ["listening", row(PEER, OWN, { state: "0A" })],
    ["of another port", row(`${V4}:C351`, OWN)],
    ["to another port", row(PEER, `${V4}:20C7`)],
    ["of another address", row(`${words("7F000002")}:C350`, OWN)],
    ["that is cut short", `   0: ${PEER} ${OWN} 01`],
    ["that is garbage", "x".repeat(200)],
  ])("does not count a row %s", async (_what, line) =>
    expect(await find({ tcp: [line], tcp6: [] })).toBeUndefined(),
  );

  test("does not look into a second table for a connection that stands in the first", async () => {
    const read: string[] = [];
    const readTable = (table: "tcp" | "tcp6"): Promise<SocketOwners> => {
      read.push(table);
      return Promise.resolve(parseTcpTable(`${row(PEER, OWN)}\n`));
    };
    expect(await findPeerUid({ ...ours, readTable })).toBe(1000);
    expect(read).toEqual(["tcp"]);
  });

  test("does not choose between two users of one table", async () => {
    const rows = [row(PEER, OWN), row(PEER, OWN, { uid: "1001" })];
    expect(await find({ tcp: rows, tcp6: [] })).toBeUndefined();
    expect(await find({ tcp: [...rows, row(PEER, OWN)], tcp6: [] })).toBeUndefined();
  });

  test("says nothing of connections that are not loopback", async () => {
    const remote = words("0A000001");
    const connection = { remoteAddress: "10.0.0.1" };
    expect(await find({ tcp: [row(`${remote}:C350`, OWN)] }, connection)).toBeUndefined();
    expect(await find({ tcp: [row(PEER, OWN)] }, { remoteAddress: "nonsense" })).toBeUndefined();
  });

  test("says nothing where there is no table", async () => expect(await find({})).toBeUndefined());

  test("no table makes it throw", async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(fc.string()), async (lines) => {
        expect(await find({ tcp: lines, tcp6: lines })).toBeUndefined();
      }),
    );
  });

  test.runIf(platform() === "linux")("finds this process's own user through the real kernel", async () => {
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const accepted = new Promise<Socket>((resolve) => server.once("connection", resolve));
    const client = connect((server.address() as AddressInfo).port, "127.0.0.1");
    const socket = await accepted;
    try {
      const uid = await findPeerUid({
        localAddress: socket.localAddress!,
        localPort: socket.localPort!,
        remoteAddress: socket.remoteAddress!,
        remotePort: socket.remotePort!,
        readTable: readTcpTable,
      });
      expect(uid).toBe(process.getuid!());
    } finally {
      client.destroy();
      socket.destroy();
      server.close();
    }
  });
});

describe.runIf(platform() === "linux")("a read of the kernel's table", () => {
  test("leaves other work its turn", async () => {
    let turns = 0;
    const count = (): void => {
      turns += 1;
      counting = setImmediate(count);
    };
    let counting = setImmediate(count);
    await readTcpTable("tcp", 0);
    clearImmediate(counting);
    expect(turns).toBeGreaterThan(0);
  });
});

describe("shared reads", () => {
  /** A reader whose reads end when they are told to. */
  function steppedReader(): {
    begun: string[];
    end: (outcome?: Error) => Promise<void>;
    shared: typeof readTcpTable;
  } {
    const begun: string[] = [];
    const open: ((outcome: Error | undefined) => void)[] = [];
    const shared = shareReads((table) => {
      const owners: SocketOwners = new Map([[table, begun.push(table)]]);
      return new Promise((resolve, reject) => {
        open.push((outcome) => (outcome === undefined ? resolve(owners) : reject(outcome)));
      });
    });
    const end = async (outcome?: Error): Promise<void> => {
      open.shift()?.(outcome);
      await new Promise((resolve) => setImmediate(resolve));
    };
    return { begun, end, shared };
  }

  test("give who asks during a read the next one, all the same", async () => {
    const { begun, end, shared } = steppedReader();
    const first = shared("tcp");
    const others = [shared("tcp"), shared("tcp"), shared("tcp")];
    expect(begun).toHaveLength(1);
    await end();
    expect(await first).toEqual(new Map([["tcp", 1]]));
    expect(begun).toHaveLength(2);
    const last = shared("tcp");
    await end();
    const second = new Map([["tcp", 2]]);
    expect(await Promise.all(others)).toEqual([second, second, second]);
    await end();
    expect(await last).toEqual(new Map([["tcp", 3]]));
    const later = shared("tcp");
    await end();
    expect(await later).toEqual(new Map([["tcp", 4]]));
  });

  test("of two tables do not wait for each other", async () => {
    const { begun, shared } = steppedReader();
    void shared("tcp");
    void shared("tcp6");
    expect(begun).toEqual(["tcp", "tcp6"]);
    await Promise.resolve();
  });

  test("that fail concern only those who share them", async () => {
    const { end, shared } = steppedReader();
    const first = shared("tcp").catch((error: unknown) => (error as Error).message);
    const second = shared("tcp");
    await end(new Error("gone"));
    expect(await first).toBe("gone");
    await end();
    expect(await second).toEqual(new Map([["tcp", 2]]));
  });
});

test.runIf(platform() === "linux")("a table of several pages is read whole", async () => {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  const sockets: Socket[] = [];
  server.on("connection", (socket) => sockets.push(socket));
  const clients = Array.from({ length: 100 }, () => connect(port, "127.0.0.1"));
  try {
    await expect.poll(() => sockets.length).toBe(100);
    const uids = await Promise.all(
      sockets.map((socket) =>
        findPeerUid({
          localAddress: socket.localAddress!,
          localPort: socket.localPort!,
          remoteAddress: socket.remoteAddress!,
          remotePort: socket.remotePort!,
          readTable: readTcpTable,
        }),
      ),
    );
    expect(new Set(uids)).toEqual(new Set([process.getuid!()]));
  } finally {
    for (const socket of [...clients, ...sockets]) socket.destroy();
    server.close();
  }
});
