import { once } from "node:events";

/** Waits that end when a test says so, and show how long each would have been. */
export interface Pauses {
  readonly wait: (milliseconds: number, signal: AbortSignal) => Promise<void>;
  /** Resolves when somebody waits, to the milliseconds; each wait is told once. */
  next(): Promise<number>;
  /** Ends the wait that was told last. */
  end(): void;
}

export function createPauses(): Pauses {
  const waiting: { readonly milliseconds: number; readonly end: () => void }[] = [];
  let told: (() => void) | undefined;
  let onWait: (() => void) | undefined;
  return {
    async wait(milliseconds, signal) {
      signal.throwIfAborted();
      const ended = new Promise<void>((end) => waiting.push({ milliseconds, end }));
      onWait?.();
      await Promise.race([ended, once(signal, "abort")]);
      signal.throwIfAborted();
    },
    async next() {
      if (waiting.length === 0) await new Promise<void>((resolve) => (onWait = resolve));
      const first = waiting.shift();
      told = first?.end;
      return first?.milliseconds ?? Number.NaN;
    },
    end: () => told?.(),
  };
}
