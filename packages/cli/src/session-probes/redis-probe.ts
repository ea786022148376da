import { CliError } from "../failures.js";
import { line, type SessionProbe } from "./probe-connection.js";

/** PING, after AUTH where the session wants one (RESP2). */
export const probeRedis: SessionProbe = async (connection, login) => {
  const ask = async (...words: readonly string[]): Promise<string> => {
    const bulks = words.map((word) => `$${Buffer.byteLength(word)}\r\n${word}\r\n`);
    connection.write(`*${words.length}\r\n${bulks.join("")}`);
    return connection.read(line);
  };
  if (login !== undefined) expectNoError(await ask("AUTH", login.username, login.password));
  const answer = await ask("PING");
  // An ACL may forbid even this; whoever hears that has logged in.
  if (!answer.startsWith("-NOPERM")) expectNoError(answer);
};

function expectNoError(answer: string): void {
  if (answer.startsWith("-")) throw new CliError(answer.replace(/^-(?:ERR )?/, ""));
}
