import { ProtocolViolation } from "../../wire/protocol-violation.js";

/** Reads the fields of one message in their order. What is not there is a ProtocolViolation. */
export class BodyReader {
  readonly #body: Buffer;
  #offset = 0;

  constructor(body: Buffer) {
    this.#body = body;
  }

  get remaining(): number {
    return this.#body.length - this.#offset;
  }

  int32(): number {
    return this.bytes(4).readInt32BE();
  }

  uint32(): number {
    return this.bytes(4).readUInt32BE();
  }

  bytes(length: number): Buffer {
    if (length < 0 || length > this.remaining) throw new ProtocolViolation("a message is too short");
    const taken = this.#body.subarray(this.#offset, this.#offset + length);
    this.#offset += length;
    return taken;
  }

  /** Without the NUL that ends it. */
  cstring(): Buffer {
    const end = this.#body.indexOf(0, this.#offset);
    if (end === -1) throw new ProtocolViolation("a string in a message has no end");
    const text = this.bytes(end - this.#offset);
    this.#offset += 1;
    return text;
  }

  rest(): Buffer {
    return this.bytes(this.remaining);
  }

  assertEnd(): void {
    if (this.remaining !== 0) throw new ProtocolViolation("a message has more in it than it should");
  }
}
