import { InterruptedError } from "./failures.js";

const SIGNALS = ["SIGINT", "SIGTERM"] as const;

/**
 * Lets `work` clear away what it has begun when SIGINT or SIGTERM comes: its signal is aborted with the failure to
 * report. Another signal ends the process at once.
 * @param outcome what is told of an interrupted work
 */
export async function untilInterrupted<Result>(
  work: (signal: AbortSignal) => Promise<Result>,
  outcome = "the vault is as it was",
): Promise<Result> {
  const interruption = new AbortController();
  const stopListening = (): void => {
    for (const signal of SIGNALS) process.off(signal, interrupt);
  };
  const interrupt = (signal: (typeof SIGNALS)[number]): void => {
    stopListening();
    interruption.abort(new InterruptedError(signal, outcome));
  };
  for (const signal of SIGNALS) process.on(signal, interrupt);
  try {
    return await work(interruption.signal);
  } catch (error) {
    // Whatever the abort made of the work, such as a wait that ended early.
    throw interruption.signal.aborted ? interruption.signal.reason : error;
  } finally {
    stopListening();
  }
}
