/**
 * `node vault-writer.mjs DATA_DIR STEPS` opens a vault, takes the steps one after the other, and says on standard output,
 * before it goes on, `done STEP` or `failed STEP CODE MESSAGE`. STEPS is a JSON list of:
 *
 * - a number: the change of that number; `"on"` as the last step: the changes after the last number, without end;
 * - `"unlock"`, `"password"` (changes it), `"wrong"` (a wrong password, which counts as done when it is refused).
 *
 * After a step that failed, what the vault file holds at that moment is copied to DATA_DIR.after-failure.
 */
import { copyFileSync, existsSync, mkdirSync, writeSync } from "node:fs";
import { join } from "node:path";
import { Secret } from "../../packages/server/lib/redaction/secret.js";
import { openVault } from "../../packages/server/lib/vault/vault.js";
import { numberedChange, secretOf } from "./numbered-changes.mjs";
import { CHEAP_KDF_COST, NEW_PASSWORD, OLD_PASSWORD, WRONG_PASSWORD } from "./writer-constants.mjs";

const STDOUT = 1;
const [dataDir, stepsJson] = process.argv.slice(2);
const steps = JSON.parse(stepsJson);
const log = { info: () => undefined, warn: () => undefined };
let password = OLD_PASSWORD;

const say = (line) => writeSync(STDOUT, `${line}\n`);

async function take(name, action) {
  try {
    await action();
  } catch (error) {
    keepCopy();
    say(`failed ${name} ${error.code} ${error.message}`);
    return false;
  }
  say(`done ${name}`);
  return true;
}

function keepCopy() {
  const file = join(dataDir, "vault.enc");
  const copies = `${dataDir}.after-failure`;
  mkdirSync(copies, { recursive: true });
  if (existsSync(file)) copyFileSync(file, join(copies, "vault.enc"));
}

async function change(vault, number) {
  const wanted = numberedChange(number);
  if (wanted.kind === "file") await vault.files.put(wanted.name, "text/plain", wanted.bytes);
  else if (wanted.kind === "delete file") await vault.files.delete(wanted.name);
  else {
    const record = { number, token: new Secret(secretOf(number)) };
    await vault.collection("services").change((records) => records.set(wanted.name, record));
  }
}

async function changePassword(vault) {
  await vault.changePassword(new Secret(password), new Secret(NEW_PASSWORD), "writer");
  password = NEW_PASSWORD;
}

async function tryWrongPassword(vault) {
  try {
    await vault.unlock(new Secret(WRONG_PASSWORD), "guesser");
  } catch (error) {
    if (error.code !== "unauthorized") throw error;
  }
}

let vault;
const isOpen = await take("open", async () => {
  vault = await openVault({ dataDir, log }, { kdfCost: CHEAP_KDF_COST });
});
if (isOpen) {
  for (const step of steps) {
    if (step === "unlock") await take(step, () => vault.unlock(new Secret(password), "writer"));
    else if (step === "password") await take(step, () => changePassword(vault));
    else if (step === "wrong") await take(step, () => tryWrongPassword(vault));
    else if (step === "on") {
      const last = Math.max(0, ...steps.filter((other) => typeof other === "number"));
      for (let number = last + 1; ; number += 1) await take(number, () => change(vault, number));
    } else await take(step, () => change(vault, step));
  }
  await take("close", () => vault.close());
}
