/**
 * Loaded into whatever Node a page starts (NODE_OPTIONS): the programs that open a vault derive its key at the lowest cost,
 * all of them, since they open each other's. Any other program is left as it is.
 */
const SERVER = /(?:\/vault-server|\/server\/(?:dist|lib)\/[\w-]+\.js)$/;
const CLI = /(?:\/vault-cli|\/cli\/(?:dist|lib)\/[\w-]+\.js)$/;
const [, program = "", ...words] = process.argv;
const opensVaultFile = words.includes("vault") || words.includes("--with-password");

if (SERVER.test(program) || (CLI.test(program) && opensVaultFile))
  await import("../live/quick-derivation.mjs");
