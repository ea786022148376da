import { CliError } from "../failures.js";
import { line, type SessionProbe } from "./probe-connection.js";

/** The greeting (RFC 5321 §4.3.2): the vault greets when it has logged in. */
export const probeSmtp: SessionProbe = async (connection) => {
  const greeting = await connection.read(line);
  if (!greeting.startsWith("220")) throw new CliError(greeting.replace(/^\d{3}[ -](?:\d\.\d+\.\d+ )?/, ""));
  connection.write("QUIT\r\n");
  await connection.read(line);
};
