/** `npm run demo`: an agent with nothing but a proxy token calls an API through the vault, end to end. */
import { runScript } from "./run-process.mjs";
import { ensureSystemPackages } from "./system-packages.mjs";
import { ensureBuilt } from "./workspace.mjs";

await runScript(async () => {
  await ensureBuilt();
  await ensureSystemPackages(["curl"]);
  // Loaded only now: its libraries may just have been installed.
  const { tellStory } = await import("../demo/story.mjs");
  await tellStory();
});
