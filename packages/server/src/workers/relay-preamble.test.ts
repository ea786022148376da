import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { decodePreamble, encodePreamble, RELAY_KEY_BYTES, type RelayedPeer } from "./relay-preamble.js";

const key = Buffer.alloc(RELAY_KEY_BYTES, 7);
const peer: RelayedPeer = {
  ...{ remoteAddress: "192.0.2.7", remotePort: 4711, localAddress: "127.0.0.1", localPort: 8390 },
  encrypted: true,
};

describe("a preamble", () => {
  test("is read wherever it is split, and what stands behind it is left", () => {
    const whole = Buffer.concat([encodePreamble(key, peer), Buffer.from("GET / HTTP/1.1")]);
    const { length } = encodePreamble(key, peer);
    for (let end = 0; end <= whole.length; end += 1) {
      const decoded = decodePreamble(key, whole.subarray(0, end));
      if (end < length) expect(decoded).toBeUndefined();
      else expect(decoded).toEqual({ peer, end: length });
    }
  });

  test("of a unix socket has no ends", () => {
    const decoded = decodePreamble(key, encodePreamble(key, { remoteAddress: undefined, encrypted: false }));
    expect(decoded?.peer).toEqual({ encrypted: false });
  });

  test("with another key is refused before anything else of it is read", () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: RELAY_KEY_BYTES, maxLength: 200 }), (bytes) => {
        fc.pre(!Buffer.from(bytes.subarray(0, RELAY_KEY_BYTES)).equals(key));
        expect(() => decodePreamble(key, Buffer.from(bytes))).toThrow(RangeError);
      }),
    );
  });

  test("that is too long is refused", () => {
    const bytes = Buffer.concat([key, Buffer.from([0xff, 0xff])]);
    expect(() => decodePreamble(key, bytes)).toThrow("too long");
  });
});
