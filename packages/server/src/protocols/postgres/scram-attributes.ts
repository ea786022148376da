import { ProtocolViolation } from "../../wire/protocol-violation.js";

/** `printable` without the comma (RFC 5802 §7): what nonces are made of. */
const NONCE = /^[\x21-\x2b\x2d-\x7e]+$/;
const BASE64 = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/;
const POSITIVE = /^[1-9][0-9]{0,9}$/;

/** Reads the attributes of a SCRAM message in their order (RFC 5802 §5.1). Extensions behind them are passed over. */
export class ScramAttributes {
  readonly #parts: string[];

  /** @param text in latin1 */
  constructor(text: string) {
    this.#parts = text.split(",");
  }

  /** @throws ProtocolViolation if the next attribute has another name: an `m=` extension, which must be understood, too */
  next(name: string): string {
    const part = this.#parts.shift();
    if (part?.startsWith(`${name}=`) !== true)
      throw new ProtocolViolation(
        "a SCRAM message lacks an attribute, or has an extension that is not known",
      );
    return part.slice(name.length + 1);
  }

  nonce(): string {
    const value = this.next("r");
    if (!NONCE.test(value)) throw new ProtocolViolation("a SCRAM nonce is not one");
    return value;
  }

  base64(name: string): Buffer {
    const value = this.next(name);
    if (value === "" || !BASE64.test(value))
      throw new ProtocolViolation("a SCRAM attribute is not valid base64");
    return Buffer.from(value, "base64");
  }

  positive(name: string): number {
    const value = this.next(name);
    if (!POSITIVE.test(value)) throw new ProtocolViolation("a SCRAM attribute is not a positive number");
    return Number(value);
  }
}
