/** `npm run build`: installs what is missing and builds client, server and CLI. */
import { runScript } from "./run-process.mjs";
import { ensureBuilt } from "./workspace.mjs";

await runScript(ensureBuilt);
