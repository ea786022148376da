/** What the demo prints: numbered steps, facts, and claims that are checked before they are made. */
import { ScriptError } from "../scripts/run-process.mjs";

const COLOURED = process.stdout.isTTY && !process.env["NO_COLOR"];
/**
 * @param {number} code An SGR code (ECMA-48).
 * @param {string} text
 */
const paint = (code, text) => (COLOURED ? `\u001b[${String(code)}m${text}\u001b[0m` : text);
const BOLD = 1;
const DIM = 2;
const GREEN = 32;
const CYAN = 36;

export function createNarrator() {
  let step = 0;
  /** @param {string} text */
  const print = (text) => void process.stdout.write(text);
  return {
    print,
    /** @param {string} text */
    title: (text) => print(`\n${paint(BOLD, text)}\n`),
    /** @param {string} text */
    step(text) {
      step += 1;
      print(`\n${paint(BOLD, `${String(step)}. ${text}`)}\n`);
    },
    /** @param {string} text */
    tell: (text) => print(`   ${text}\n`),
    /** @param {string} text A command as a person would type it. */
    command: (text) => print(`   ${paint(DIM, "$")} ${paint(CYAN, text)}\n`),
    /**
     * States a claim if it holds, and ends the demo if it does not.
     *
     * @param {string} text
     * @param {boolean} holds
     * @param {string} [evidence] What was seen instead; must hold no secret.
     */
    claim(text, holds, evidence = "") {
      if (!holds) throw new ScriptError(`Not as claimed: ${text}${evidence === "" ? "" : `\n${evidence}`}`);
      print(`   ${paint(GREEN, "✔")} ${text}\n`);
    },
  };
}
