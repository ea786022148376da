/** One element of a DER structure (ITU-T X.690 §8.1, §10.1). */
export interface DerElement {
  readonly tag: number;
  readonly content: Buffer;
}

const LONG_LENGTH = 0x80;
const MAX_LENGTH_BYTES = 4;

/** The elements that follow one another in `bytes`; undefined if that is not what they are. Never throws. */
export function readDer(bytes: Buffer): DerElement[] | undefined {
  const elements: DerElement[] = [];
  let offset = 0;
  while (offset < bytes.length) {
    const tag = bytes[offset];
    const first = bytes[offset + 1];
    if (tag === undefined || first === undefined) return undefined;
    offset += 2;
    let length = first;
    if (first >= LONG_LENGTH) {
      const size = first - LONG_LENGTH;
      if (size === 0 || size > MAX_LENGTH_BYTES || offset + size > bytes.length) return undefined;
      length = bytes.readUIntBE(offset, size);
      offset += size;
    }
    if (offset + length > bytes.length) return undefined;
    elements.push({ tag, content: bytes.subarray(offset, offset + length) });
    offset += length;
  }
  return elements;
}
