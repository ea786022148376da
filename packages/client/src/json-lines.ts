import { VaultError } from "./errors.js";

const LINE_END = 0x0a;

/**
 * The values of newline-delimited JSON, each as soon as its line is whole; a last line needs no end.
 * @throws VaultError `invalid_answer` for a line that is no JSON, or longer than `maxBytes`
 */
export async function* jsonLines(
  chunks: AsyncIterable<Uint8Array>,
  maxBytes: number,
): AsyncGenerator<unknown, void, undefined> {
  let pieces: Uint8Array[] = [];
  let length = 0;
  const keep = (piece: Uint8Array): void => {
    length += piece.length;
    if (length > maxBytes) throw invalidAnswer();
    pieces.push(piece);
  };
  const take = (): string => {
    // Over the whole line: a character may be split between two chunks.
    const decoder = new TextDecoder();
    const text = pieces.map((piece) => decoder.decode(piece, { stream: true })).join("") + decoder.decode();
    pieces = [];
    length = 0;
    return text;
  };
  for await (const chunk of chunks) {
    let from = 0;
    for (let end = chunk.indexOf(LINE_END); end !== -1; end = chunk.indexOf(LINE_END, from)) {
      keep(chunk.subarray(from, end));
      from = end + 1;
      const line = take();
      if (line.trim() !== "") yield parse(line);
    }
    if (from < chunk.length) keep(chunk.subarray(from));
  }
  const rest = take();
  if (rest.trim() !== "") yield parse(rest);
}

function parse(line: string): unknown {
  try {
    return JSON.parse(line) as unknown;
  } catch {
    throw invalidAnswer();
  }
}

function invalidAnswer(): VaultError {
  return new VaultError(0, "invalid_answer", "the answer is not one of a vault-server");
}
