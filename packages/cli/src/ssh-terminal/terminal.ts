export interface TerminalSize {
  readonly cols: number;
  readonly rows: number;
}

/** What gives the terminal back when the process gets it; SIGKILL cannot be heard. */
const ENDING_SIGNALS = { SIGHUP: 129, SIGINT: 130, SIGTERM: 143 } as const;
type EndingSignal = keyof typeof ENDING_SIGNALS;

/** What the vault takes, and where nobody knows better. */
const MAX_SIDE = 1000;
const DEFAULT_SIZE: TerminalSize = { cols: 80, rows: 24 };

/**
 * What a program may have left behind that was cut off: the second screen, a hidden cursor, reports of the mouse and of
 * pasted text, keys of applications, colours (ECMA-48, and xterm's control sequences).
 */
const RESET =
  "\x1b[?1047l\x1b[?25h\x1b[?1000l\x1b[?1002l\x1b[?1003l\x1b[?1006l\x1b[?2004l\x1b[?1l\x1b>\x1b[0m";

/** The terminal that a person sits at. */
export interface Terminal {
  /** Whether the input is one. */
  readonly isInteractive: boolean;
  size(): TerminalSize;
  /** Every key goes to `onEvents`, until the terminal is released, on every way out of the process too. */
  take(events: TerminalEvents): void;
  /** @param isCutOff whether something may have been left behind on the screen */
  release(isCutOff: boolean): void;
  pauseInput(): void;
  resumeInput(): void;
  /** @returns whether more may be written at once; else `onDrain` is called */
  write(bytes: Uint8Array): boolean;
}

export interface TerminalEvents {
  readonly onInput: (bytes: Buffer) => void;
  readonly onResize: () => void;
  readonly onDrain: () => void;
  /** The terminal is gone, or the process is to end. @param exitCode as a shell has it */
  readonly onHangUp: (exitCode: number) => void;
}

/** The terminal of this process. */
export function processTerminal(host: NodeJS.Process = process): Terminal {
  const { stdin, stdout, stderr } = host;
  const screen = [stdout, stderr].find((stream) => stream.isTTY);
  let stop: (() => void) | undefined;
  return {
    isInteractive: stdin.isTTY,
    size: () => (screen === undefined ? DEFAULT_SIZE : sizeOf(screen)),
    take({ onInput, onResize, onDrain, onHangUp }) {
      const raw = (): void => void stdin.setRawMode(true);
      const cooked = (): void => void stdin.setRawMode(false);
      const onSignal = (signal: EndingSignal): void => onHangUp(ENDING_SIGNALS[signal]);
      const onEnd = (): void => onHangUp(ENDING_SIGNALS.SIGHUP);
      const onContinue = (): void => {
        // Whoever had the terminal meanwhile has left it as it pleased.
        cooked();
        raw();
        onResize();
      };
      const signals = Object.keys(ENDING_SIGNALS) as EndingSignal[];
      stop = () => {
        stdin.off("data", onInput).off("end", onEnd).off("error", onEnd).pause();
        stdout.off("drain", onDrain);
        screen?.off("resize", onResize);
        host.off("exit", cooked).off("SIGCONT", onContinue);
        for (const signal of signals) host.off(signal, onSignal);
        cooked();
      };
      host.on("exit", cooked).on("SIGCONT", onContinue);
      for (const signal of signals) host.on(signal, onSignal);
      screen?.on("resize", onResize);
      stdout.on("drain", onDrain);
      raw();
      stdin.on("data", onInput).on("end", onEnd).on("error", onEnd).resume();
    },
    release(isCutOff) {
      stop?.();
      stop = undefined;
      if (isCutOff && stdout.isTTY) stdout.write(`${RESET}\r\n`);
    },
    pauseInput: () => void stdin.pause(),
    resumeInput: () => void stdin.resume(),
    write: (bytes) => stdout.write(bytes),
  };
}

function sizeOf({ columns, rows }: NodeJS.WriteStream): TerminalSize {
  return { cols: sideOf(columns, DEFAULT_SIZE.cols), rows: sideOf(rows, DEFAULT_SIZE.rows) };
}

/** A terminal that does not know its size says 0. */
function sideOf(length: number, byDefault: number): number {
  return length >= 1 ? Math.min(length, MAX_SIDE) : byDefault;
}
