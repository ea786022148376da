/**
 * Whether every file stands as prettier leaves it. Of TypeScript and JavaScript, oxfmt says it in a hundredth of the time;
 * the few files that it would write otherwise (it breaks some unions that prettier keeps on a line) are for prettier to
 * judge, as are all other languages. Exits 1 and names the files if some are not in form.
 */
import path from "node:path";
import { ROOT, run } from "./run-process.mjs";

const BIN = path.join(ROOT, "node_modules/.bin");
const SCRIPTS = "**/*.{ts,mts,cts,js,mjs,cjs}";

const quick = await run(path.join(BIN, "oxfmt"), [
  ...["--config", path.join(ROOT, ".prettierrc.json")],
  ...["--list-different", SCRIPTS],
]);
// 1 says that some differ; anything else, that some could not be read.
const couldRead = quick.ok || quick.reason.endsWith("status 1");
const doubtful = couldRead ? quick.output.split("\n").filter((line) => line !== "") : [];
if (!couldRead) process.stdout.write(`${quick.output}${quick.reason}\n`);

let ok = couldRead;
for (const files of [doubtful, [".", `!${SCRIPTS}`]]) {
  if (files.length === 0) continue;
  const judged = await run(path.join(BIN, "prettier"), ["--check", ...files]);
  ok &&= judged.ok;
  if (!judged.ok) process.stdout.write(`${judged.output}${judged.reason}\n`);
}
process.exitCode = ok ? 0 : 1;
