import * as zlib from "node:zlib";
import { eachByte, type EchoForm, echoOf, head, type Received, statusLine } from "./echo-form.js";
import { join, plain } from "./marked-text.js";
import { json } from "./text-encoders.js";

type Compress = (data: Buffer) => Buffer;

const zstdCompress = (zlib as { zstdCompressSync?: Compress }).zstdCompressSync;

const twoMembers: Compress = (data) => {
  const middle = data.length >> 1;
  return Buffer.concat([zlib.gzipSync(data.subarray(0, middle)), zlib.gzipSync(data.subarray(middle))]);
};

const CODINGS: readonly [name: string, compress: Compress][] = [
  ["gzip", (data) => zlib.gzipSync(data)],
  ["x-gzip", (data) => zlib.gzipSync(data)],
  ["GZip", twoMembers],
  ["deflate", (data) => zlib.deflateSync(data)],
  ["deflate", (data) => zlib.deflateRawSync(data)],
  ["br", (data) => zlib.brotliCompressSync(data)],
  ["gzip, br", (data) => zlib.brotliCompressSync(zlib.gzipSync(data))],
  ["identity", (data) => data],
  ...(zstdCompress === undefined ? [] : [["zstd", zstdCompress] as [string, Compress]]),
];

export const compressedForms: readonly EchoForm[] = CODINGS.flatMap(([coding, compress], index) =>
  [false, true].map((isSplit) => ({
    name: `${coding} (${index}${isSplit ? ", a write for every byte" : ""})`,
    requestFields: ["Accept-Encoding: gzip, deflate, br, zstd, compress"],
    answer: (received: Received) => {
      const body = join(plain('{"got":"'), echoOf(received, json), plain('"}'));
      const wire = compress(body.bytes);
      const lines = [statusLine, "Content-Type: application/json", `Content-Encoding: ${coding}`];
      const writes = [
        head(...lines, `Content-Length: ${wire.length}`),
        ...(isSplit ? eachByte(wire) : [wire]),
      ];
      return { writes, expected: { status: 200, body } };
    },
  })),
);

export const brokenCompression: readonly EchoForm[] = CODINGS.slice(0, 7).map(
  ([coding, compress], index) => ({
    name: `${coding} (${index}) that is cut short`,
    answer: (received) => {
      const wire = compress(echoOf(received).bytes);
      const cut = wire.subarray(0, wire.length - 10);
      const lines = [statusLine, "Content-Type: text/plain", `Content-Encoding: ${coding}`];
      return {
        writes: [head(...lines, `Content-Length: ${cut.length}`), cut],
        expected: { status: 200, isBroken: true },
      };
    },
  }),
);
