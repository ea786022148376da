/**
 * A body piece by piece as it arrives. Leaving the loop cancels it. Not every runtime can iterate over a stream itself.
 * @param toError what is thrown where the body fails
 */
export async function* chunksOf(
  body: ReadableStream<Uint8Array> | null,
  toError: (reason: unknown) => unknown = (reason) => reason,
): AsyncGenerator<Uint8Array, void, undefined> {
  if (body === null) return;
  const reader = body.getReader();
  let finished = false;
  try {
    for (;;) {
      const next = await reader.read().catch((reason: unknown) => {
        throw toError(reason);
      });
      if (next.done) {
        finished = true;
        return;
      }
      yield next.value;
    }
  } finally {
    if (!finished) await reader.cancel().catch(() => undefined);
  }
}
