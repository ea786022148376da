/** A command of a client (RFC 5321 §4.1.1). */
export interface SmtpCommand {
  /** In capitals. */
  readonly verb: string;
  /** All that follows the first space, without spaces at its ends; empty if there is nothing. */
  readonly argument: string;
}

const COMMAND = /^([A-Za-z]{4,10})(?: (.*))?$/s;

/** @returns undefined if the line does not look like a command */
export function parseCommand(line: Buffer): SmtpCommand | undefined {
  const [, verb, argument = ""] = COMMAND.exec(line.toString("latin1").trimEnd()) ?? [];
  return verb === undefined ? undefined : { verb: verb.toUpperCase(), argument: argument.trim() };
}
