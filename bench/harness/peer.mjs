/** Servers that somebody else adds to the HTTP rows. */
import { ScriptError } from "../../scripts/run-process.mjs";

/**
 * @typedef {object} Peer
 * @property {string} name
 * @property {string} command Run by sh(1).
 * @property {string} url What is called.
 * @property {readonly [string, string] | undefined} header Sent with every call.
 */

const FORM = /^([^=]+)=(.+?),(https?:\/\/[^,\s]+)(?:,([^:,\s]+):\s*(.+))?$/;

/**
 * Parses `VAULT_BENCH_PEER`: `name=command,url,header`, several on lines of their own. The command may hold commas, but none
 * before `http://` or `https://`; the header may be left out.
 *
 * @param {string} text
 * @returns {Peer[]}
 * @throws {ScriptError} Naming the line that has another form.
 */
export function parsePeers(text) {
  const lines = text.split("\n").map((line) => line.trim());
  return lines.filter(Boolean).map((line) => {
    const [, name, command, url, header, value] = FORM.exec(line) ?? [];
    if (name === undefined || command === undefined || url === undefined) {
      throw new ScriptError(`VAULT_BENCH_PEER: "${line}" is not of the form name=command,url,header`);
    }
    return {
      name: name.trim(),
      command: command.trim(),
      url,
      header: header === undefined || value === undefined ? undefined : [header, value.trim()],
    };
  });
}

/**
 * Puts in the values of variables that are written as `$NAME`; others stay.
 *
 * @param {string} text
 * @param {Readonly<Record<string, string>>} variables
 */
export function expand(text, variables) {
  return text.replace(
    /\$(?:\{([A-Z_]+)\}|([A-Z_]+))/g,
    (all, braced, bare) => variables[braced ?? bare] ?? all,
  );
}
