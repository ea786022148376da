import { UNRESTRICTED } from "../authorization/grant.js";
import { once } from "node:events";
import type { AddressInfo } from "node:net";
import ssh2, { type SFTPWrapper } from "ssh2";
import { afterEach, describe, expect, test } from "vitest";
import { VaultProxyError } from "../errors/vault-proxy-error.js";
import { Secret } from "../redaction/secret.js";
import type { SshCall } from "./ssh-calls.js";
import { connectSsh, type SshConnection } from "./ssh-connection.js";
import { downloadFile } from "./ssh-download.js";
import { uploadFile } from "./ssh-upload.js";
import { makeKeyPair } from "./testing/key-pair.js";

const HOST_KEY = makeKeyPair().private;
const DIRECTORY = 0o040755;
const FILE = 0o100644;
const { OK, NO_SUCH_FILE, FAILURE, EOF } = ssh2.utils.sftp.STATUS_CODE;
/** What the directories that every server has are here. */
const SECRET_TEXT = "text of the server: hunter2";

/** SFTP as the library's server speaks it; by request's name, what is answered instead of what is right. */
type Misbehaviour = (sftp: SFTPWrapper, channel: RawChannel) => void;

/** The bytes below SFTP's packets. */
interface RawChannel {
  send(bytes: Buffer): void;
  close(): void;
}

const stops: (() => void)[] = [];
afterEach(() => {
  for (const stop of stops.splice(0)) stop();
});

/** A server whose one file `/d/f` has `size` bytes, and that does as `misbehave` says. */
async function startServer(size: number, misbehave: Misbehaviour): Promise<SshConnection> {
  const server = new ssh2.Server({ hostKeys: [HOST_KEY] }, (client) => {
    client.on("error", () => undefined);
    // The library has it, its types do not.
    (client as unknown as { setNoDelay(isOn: boolean): void }).setNoDelay(true);
    client.on("authentication", (context) => context.accept());
    client.on("session", (accept) => {
      accept().on("sftp", (acceptSftp) => {
        const sftp = acceptSftp() as unknown as SFTPWrapper & { on: SFTPWrapper["on"] };
        behave(sftp, size);
        const inside = sftp as unknown as {
          outgoing: { id: number };
          _protocol: { channelData(id: number, bytes: Buffer): void };
          end(): void;
        };
        misbehave(sftp, {
          send: (bytes) => inside._protocol.channelData(inside.outgoing.id, bytes),
          close: () => inside.end(),
        });
      });
    });
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const connection = await connectSsh(
    {
      host: "127.0.0.1",
      port: (server.address() as AddressInfo).port,
      ...{ user: "u", password: new Secret("p"), privateKey: undefined },
      ...{ hostKey: undefined, legacyAlgorithms: [], allowPrivate: true },
    },
    { signal: new AbortController().signal, rememberHostKey: () => Promise.resolve() },
  );
  stops.push(() => {
    connection.destroy();
    server.close();
  });
  return connection;
}

interface ServerSide {
  on(event: string, listener: (id: number, ...rest: never[]) => void): void;
  removeAllListeners(event: string): void;
  status(id: number, code: number, message?: string): void;
  handle(id: number, handle: Buffer): void;
  attrs(id: number, attributes: { mode: number; size: number }): void;
  data(id: number, bytes: Buffer): void;
  name(id: number, names: { filename: string; longname: string; attrs: object }[]): void;
}

const sideOf = (sftp: SFTPWrapper): ServerSide => sftp;

/** Replaces what a request is answered with. */
const answer = (
  sftp: SFTPWrapper,
  request: string,
  listener: (id: number, ...rest: never[]) => void,
): void => {
  sideOf(sftp).removeAllListeners(request);
  sideOf(sftp).on(request, listener);
};

function behave(sftp: SFTPWrapper, size: number): void {
  const side = sideOf(sftp);
  let written = 0;
  const lstat = (id: number, path: string): void => {
    if (path === "/d") side.attrs(id, { mode: DIRECTORY, size: 0 });
    else if (path === "/d/f" || path.endsWith(".part")) side.attrs(id, { mode: FILE, size });
    else side.status(id, NO_SUCH_FILE, SECRET_TEXT);
  };
  side.on("LSTAT", lstat);
  side.on("REALPATH", (id, path: string) => {
    side.name(id, [{ filename: path === "." ? "/d" : path, longname: "", attrs: {} }]);
  });
  side.on("OPEN", (id) => side.handle(id, Buffer.from("h")));
  side.on("FSTAT", (id) => side.attrs(id, { mode: FILE, size: written === 0 ? size : written }));
  side.on("READ", (id, _handle: Buffer, offset: number, length: number) => {
    if (offset >= size) side.status(id, EOF);
    else side.data(id, Buffer.alloc(Math.min(length, size - offset), "x"));
  });
  side.on("WRITE", (id, _handle: Buffer, offset: number, bytes: Buffer) => {
    written = Math.max(written, offset + bytes.length);
    side.status(id, OK);
  });
  for (const request of ["FSETSTAT", "CLOSE", "REMOVE", "RENAME", "MKDIR"]) {
    side.on(request, (id) => side.status(id, OK));
  }
}

function callOn(connection: SshConnection, signal = new AbortController().signal): SshCall {
  return {
    service: "s",
    access: { allowedCommands: undefined, allowedPaths: undefined },
    permit: () => Promise.resolve(UNRESTRICTED),
    countBytes: () => undefined,
    signal,
    withChannel: async ({ open, use }: Parameters<SshCall["withChannel"]>[0]) =>
      use(await open(connection), connection),
  } as unknown as SshCall;
}

async function download(connection: SshConnection, answerMs?: number): Promise<Buffer> {
  const pieces: Buffer[] = [];
  await downloadFile(callOn(connection), {
    remotePath: "/d/f",
    onStarted: () => undefined,
    takeContent: (piece) => void pieces.push(piece),
    ...(answerMs === undefined ? {} : { answerMs }),
  });
  return Buffer.concat(pieces);
}

async function* oneChunk(bytes: Buffer): AsyncGenerator<Buffer> {
  yield await Promise.resolve(bytes);
}

const upload = (
  connection: SshConnection,
  content: AsyncIterable<Buffer> = oneChunk(Buffer.alloc(100_000)),
  answerMs?: number,
): Promise<unknown> =>
  uploadFile(callOn(connection), {
    remotePath: "/d/new",
    content,
    mode: () => 0o644,
    ...(answerMs === undefined ? {} : { answerMs }),
  });

const packet = (type: number, ...rest: number[]): Buffer => {
  const bytes = Buffer.from([0, 0, 0, 0, type, ...rest]);
  bytes.writeUInt32BE(bytes.length - 4);
  return bytes;
};

test("a server that behaves is what the others are compared with", async () => {
  const connection = await startServer(200_000, () => undefined);
  expect((await download(connection)).length).toBe(200_000);
  expect(await upload(connection)).toEqual({ bytes: 100_000, remotePath: "/d/new" });
});

test("a server that reads in small pieces gives the whole file", async () => {
  const connection = await startServer(70_000, (sftp) => {
    answer(sftp, "READ", (id, _handle: Buffer, offset: number, length: number) =>
      sideOf(sftp).data(id, Buffer.alloc(Math.min(length, 5_000), offset % 251)),
    );
  });
  const content = await download(connection);
  expect(content.length).toBe(70_000);
  expect(content[5_000]).toBe(5_000 % 251);
});

test("what a server gives beyond what it was asked for is dropped", async () => {
  const connection = await startServer(70_000, (sftp) => {
    answer(sftp, "READ", (id, _handle: Buffer, _offset: number, length: number) =>
      sideOf(sftp).data(id, Buffer.concat([Buffer.alloc(length, "x"), Buffer.from("more")])),
    );
  });
  expect((await download(connection)).equals(Buffer.alloc(70_000, "x"))).toBe(true);
});

test("a handle that is too long is never sent back", async () => {
  const connection = await startServer(70_000, (sftp, raw) =>
    answer(sftp, "OPEN", (id) => raw.send(packet(102, 0, 0, 0, id, 0, 0, 1, 44, ...Buffer.alloc(300)))),
  );
  await expect(download(connection)).rejects.toThrow("does not keep to SFTP");
});

describe("a download fails, and says nothing of the server's text, when the server", () => {
  const answers: readonly (readonly [string, string, Misbehaviour])[] = [
    [
      "says that the file is huge",
      "body_too_large",
      (sftp) => answer(sftp, "FSTAT", (id) => sideOf(sftp).attrs(id, { mode: FILE, size: 2 ** 40 })),
    ],
    [
      "says nothing of a size",
      "upstream_failed",
      (sftp) => answer(sftp, "FSTAT", (id) => sideOf(sftp).attrs(id, { mode: FILE } as never)),
    ],
    [
      "opens something else",
      "invalid_request",
      (sftp) => answer(sftp, "FSTAT", (id) => sideOf(sftp).attrs(id, { mode: DIRECTORY, size: 1 })),
    ],
    [
      "gives nothing",
      "upstream_failed",
      (sftp) => answer(sftp, "READ", (id) => sideOf(sftp).data(id, Buffer.alloc(0))),
    ],
    [
      "says that the file has ended too early",
      "upstream_failed",
      (sftp) => answer(sftp, "READ", (id) => sideOf(sftp).status(id, EOF)),
    ],
    [
      "fails with a text",
      "upstream_failed",
      (sftp) => answer(sftp, "READ", (id) => sideOf(sftp).status(id, FAILURE, SECRET_TEXT)),
    ],
    [
      "says OK instead of an answer",
      "upstream_failed",
      (sftp) => answer(sftp, "OPEN", (id) => sideOf(sftp).status(id, OK)),
    ],
    [
      "answers with another kind of thing",
      "upstream_failed",
      (sftp) => answer(sftp, "FSTAT", (id) => sideOf(sftp).handle(id, Buffer.from("h"))),
    ],
    [
      "is at home nowhere",
      "upstream_failed",
      (sftp) =>
        answer(sftp, "REALPATH", (id) =>
          sideOf(sftp).name(id, [{ filename: "relative", longname: "", attrs: {} }]),
        ),
    ],
    [
      "says that everything is in /etc",
      "invalid_request",
      (sftp) => {
        answer(sftp, "REALPATH", (id) =>
          sideOf(sftp).name(id, [{ filename: "/etc/f", longname: "", attrs: {} }]),
        );
        answer(sftp, "LSTAT", (id, path: string) =>
          sideOf(sftp).attrs(id, { mode: path.endsWith("f") ? FILE : DIRECTORY, size: 1 }),
        );
      },
    ],
    ["closes the channel", "upstream_failed", (sftp, raw) => answer(sftp, "OPEN", () => raw.close())],
    [
      "sends a packet of no known type",
      "upstream_failed",
      (sftp, raw) => answer(sftp, "OPEN", () => raw.send(packet(77, 1, 2, 3))),
    ],
    [
      "sends a packet of half a handle",
      "upstream_failed",
      (sftp, raw) => answer(sftp, "OPEN", () => raw.send(packet(102, 0, 0, 0, 1, 0, 0, 0, 9))),
    ],
    [
      "announces a packet of a gigabyte",
      "upstream_failed",
      (sftp, raw) => answer(sftp, "OPEN", () => raw.send(Buffer.from([0x40, 0, 0, 0, 102]))),
    ],
    [
      "announces a packet whose length is negative to the library",
      "upstream_failed",
      (sftp, raw) => answer(sftp, "OPEN", () => raw.send(Buffer.from([0xff, 0xff, 0xff, 0xff, 102, 0]))),
    ],
    [
      "announces an empty packet",
      "upstream_failed",
      (sftp, raw) => answer(sftp, "OPEN", () => raw.send(Buffer.from([0, 0, 0, 0, 1]))),
    ],
  ];
  test.each(answers)("%s", async (_, code, misbehave) => {
    const connection = await startServer(100_000, misbehave);
    const failure = await download(connection).then(
      () => undefined,
      (error: unknown) => error,
    );
    expect(failure).toBeInstanceOf(VaultProxyError);
    expect(failure).toMatchObject({ code });
    expect((failure as Error).message).not.toContain("hunter2");
  });

  test.each(["OPEN", "READ", "REALPATH", "LSTAT"])("does not answer to %s any more", async (request) => {
    const connection = await startServer(100_000, (sftp) => answer(sftp, request, () => undefined));
    await expect(download(connection, 200)).rejects.toMatchObject({ code: "upstream_timeout" });
  });
});

describe("an upload fails when the server", () => {
  test.each(["OPEN", "WRITE", "FSETSTAT", "FSTAT", "CLOSE", "RENAME"])(
    "does not answer to %s any more",
    async (request) => {
      const connection = await startServer(0, (sftp) => answer(sftp, request, () => undefined));
      await expect(upload(connection, undefined, 200)).rejects.toMatchObject({ code: "upstream_timeout" });
    },
  );

  test.each(["OPEN", "WRITE", "FSETSTAT", "CLOSE", "RENAME"])(
    "fails at %s, and removes what it began",
    async (request) => {
      const removed: string[] = [];
      const connection = await startServer(0, (sftp) => {
        answer(sftp, request, (id) => sideOf(sftp).status(id, FAILURE, SECRET_TEXT));
        sideOf(sftp).on("REMOVE", (_id, path: string) => removed.push(path));
      });
      const failure = await upload(connection).catch((error: unknown) => error);
      expect(failure).toMatchObject({ code: "upstream_failed" });
      expect((failure as Error).message).not.toContain("hunter2");
      expect(removed).toEqual([expect.stringMatching(/^\/d\/\.new\.[0-9a-f]{12}\.part$/)]);
    },
  );

  test("keeps less than it was given", async () => {
    const connection = await startServer(0, (sftp) =>
      answer(sftp, "FSTAT", (id) => sideOf(sftp).attrs(id, { mode: FILE, size: 99_999 })),
    );
    await expect(upload(connection)).rejects.toThrow("did not keep the whole file");
  });

  test("closes the channel while the caller takes its time", async () => {
    async function* stalling(): AsyncGenerator<Buffer> {
      yield await Promise.resolve(Buffer.alloc(10));
      await new Promise(() => undefined);
    }
    const connection = await startServer(0, (sftp, raw) => answer(sftp, "WRITE", () => raw.close()));
    await expect(upload(connection, stalling())).rejects.toMatchObject({ code: "upstream_failed" });
  });

  test("cannot replace a file in one step, and has one there: it is left alone", async () => {
    const renamed: string[] = [];
    const connection = await startServer(100_000, (sftp) =>
      answer(sftp, "RENAME", (id, _from: string, to: string) => {
        renamed.push(to);
        sideOf(sftp).status(id, OK);
      }),
    );
    const replacing = uploadFile(callOn(connection), {
      remotePath: "/d/f",
      content: oneChunk(Buffer.alloc(10)),
      mode: () => 0o644,
    });
    await expect(replacing).rejects.toThrow("cannot replace a file in one step");
    expect(renamed).toEqual([]);
  });
});
