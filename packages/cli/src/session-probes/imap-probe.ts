import { CliError } from "../failures.js";
import { line, type SessionProbe } from "./probe-connection.js";

/** LOGIN and LOGOUT (RFC 9051 §6.2.3, §6.1.3): with the session's password, or any. */
export const probeImap: SessionProbe = async (connection, login) => {
  const { username, password } = login ?? { username: "any", password: "any" };
  const greeting = await connection.read(line);
  if (!greeting.startsWith("* OK")) throw refusal(greeting);
  connection.write(`p0 LOGIN ${username} ${password}\r\n`);
  for (;;) {
    const answer = await connection.read(line);
    if (answer.startsWith("p0 OK")) break;
    if (answer.startsWith("p0 ") || answer.startsWith("* BYE")) throw refusal(answer);
  }
  connection.write("p1 LOGOUT\r\n");
};

/** Without tag, condition and response code (RFC 9051 §7.1). */
function refusal(answer: string): CliError {
  return new CliError(answer.replace(/^\S+ (?:NO|BAD|BYE|PREAUTH) (?:\[[^\]]*\] )?/, ""));
}
