import type { ProcessExit } from "./ssh-connection.js";

/** How the process of a channel ended, as callers are told. */
export interface ExitStatus {
  /** 128 and the signal's number for one that a signal ended, as a shell has it. */
  readonly exitCode: number;
  /** Without "SIG", such as `TERM`. */
  readonly signal: string | undefined;
}

export function readExitStatus({ code, signal }: ProcessExit): ExitStatus {
  const name = signal?.replace(/^SIG/, "");
  return { exitCode: code ?? SIGNAL_BASE + (SIGNAL_NUMBERS.get(name ?? "") ?? 0), signal: name };
}

const SIGNAL_BASE = 128;

/** The signals of RFC 4254 §6.10 by their numbers on Linux (signal(7)). */
const SIGNAL_NUMBERS: ReadonlyMap<string, number> = new Map([
  ...([
    ["HUP", 1],
    ["INT", 2],
    ["QUIT", 3],
    ["ILL", 4],
    ["ABRT", 6],
    ["FPE", 8],
    ["KILL", 9],
  ] as const),
  ...([
    ["USR1", 10],
    ["SEGV", 11],
    ["USR2", 12],
    ["PIPE", 13],
    ["ALRM", 14],
    ["TERM", 15],
  ] as const),
]);
