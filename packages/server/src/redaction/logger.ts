import { pino } from "pino";

export type LogFormat = "text" | "json";
export type LogLevel = "debug" | "info" | "warn" | "error" | "silent";

/**
 * What a log line may hold besides its message: plain values only. An object or an error is not accepted, because
 * what prints one (a library, a later Node) may print more than was looked at; see {@link describeThrown}.
 */
export type LogFields = Readonly<Record<string, string | number | boolean | undefined>>;

export interface Logger {
  debug(fields: LogFields, message: string): void;
  info(fields: LogFields, message: string): void;
  warn(fields: LogFields, message: string): void;
  error(fields: LogFields, message: string): void;
}

export interface LogSink extends Logger {
  /** Writes what is buffered, blocking; for the end of the process. */
  flush(): void;
}

/** Logs to a file descriptor without blocking. Control characters are escaped, so that a line cannot be forged. */
export function createLogger(options: { format: LogFormat; level: LogLevel; fd: number }): LogSink {
  const destination = pino.destination({ fd: options.fd, sync: false });
  const stream =
    options.format === "json"
      ? destination
      : { write: (line: string) => void destination.write(textLine(line)) };
  const log = pino(
    {
      level: options.level,
      base: null,
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
    },
    stream,
  );
  return {
    debug: (fields, message) => log.debug(fields, message),
    info: (fields, message) => log.info(fields, message),
    warn: (fields, message) => log.warn(fields, message),
    error: (fields, message) => log.error(fields, message),
    flush() {
      try {
        destination.flushSync();
      } catch {
        // The descriptor was not open yet, or is gone: there is nowhere left to say so.
      }
    },
  };
}

/** One JSON line as `2026-01-31T12:00:00.000Z INFO  message key=value`. */
function textLine(json: string): string {
  const { level, time, msg, ...fields } = JSON.parse(json) as Record<string, unknown>;
  const shown = Object.entries(fields).map(([name, value]) => ` ${name}=${plainOrQuoted(value)}`);
  const head = `${String(time)} ${String(level).toUpperCase().padEnd(5)}`;
  return `${head} ${escapeControls(String(msg))}${shown.join("")}\n`;
}

function plainOrQuoted(value: unknown): string {
  const text = String(value);
  return /^[\w.:/@+-]+$/.test(text) ? text : escapeControls(JSON.stringify(text));
}

function escapeControls(text: string): string {
  return text.replaceAll(
    /[\u0000-\u001f\u007f-\u009f\u2028\u2029]/g,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
}

const MAX_FRAMES = 6;

/**
 * What may be logged of any thrown value: its class, its code and where it was thrown. Never its message, which may
 * hold what a library or an upstream put there.
 */
export function describeThrown(thrown: unknown): LogFields {
  if (!(thrown instanceof Error)) return { thrown: typeof thrown };
  const code = "code" in thrown && typeof thrown.code === "string" ? thrown.code : undefined;
  // The message stands at the head of the stack, and may have lines that look like frames.
  const stack = thrown.stack ?? "";
  const behindMessage = stack.indexOf(thrown.message) + thrown.message.length;
  const frames = stack
    .slice(behindMessage)
    .split("\n")
    .filter((line) => /^\s+at /.test(line))
    .slice(0, MAX_FRAMES)
    .map((line) =>
      line
        .trim()
        .replace(/^at /, "")
        .replace(/\(?file:\/\/.*\/(?=[^/]+:\d+:\d+)/, "("),
    );
  return { thrown: thrown.constructor.name, code, at: frames.join(" < ") };
}
