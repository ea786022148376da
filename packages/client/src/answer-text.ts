import { VaultError } from "./errors.js";

/** Collects a body as UTF-8 text. @throws VaultError `invalid_answer` for more than `maxBytes`; leaves the body then */
export async function readAnswerText(chunks: AsyncIterable<Uint8Array>, maxBytes: number): Promise<string> {
  const decoder = new TextDecoder("utf-8", { ignoreBOM: true });
  let text = "";
  let length = 0;
  for await (const chunk of chunks) {
    length += chunk.byteLength;
    if (length > maxBytes) {
      throw new VaultError(
        0,
        "invalid_answer",
        `the answer is too long for one of a vault-server (more than ${sizeText(maxBytes)})`,
      );
    }
    text += decoder.decode(chunk, { stream: true });
  }
  return text + decoder.decode();
}

/** Of the limits, which are whole KiB or MiB. */
function sizeText(bytes: number): string {
  return bytes < 1024 ** 2 ? `${bytes / 1024} KiB` : `${bytes / 1024 ** 2} MiB`;
}
