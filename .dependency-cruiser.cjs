// Imports inside the server go one way, from the first layer to the last; ARCHITECTURE.md draws it.
// A folder may import from earlier layers only: not from a later one, and not from a sibling of its own layer.
const layers = [
  ["errors", "collections"],
  ["redaction", "config", "ssh-rules", "metrics"],
  ["vault", "tokens", "policies", "network", "scrubbing"],
  ["auth-strategies", "wire"],
  ["protocols", "oauth2-flow", "audit", "authorization"],
  ["data-plane"],
  ["tcp-sessions", "ssh", "workers"],
  ["http-api"],
];

const layerRules = layers.flatMap((folders, level) =>
  folders.map((folder) => {
    const allowed = [...layers.slice(0, level).flat(), folder].join("|");
    return {
      name: `server-${folder}-imports-earlier-layers-only`,
      severity: "error",
      from: { path: `^packages/server/src/${folder}/` },
      to: { path: "^packages/server/src/", pathNot: `^packages/server/src/(${allowed})/` },
    };
  }),
);

const registries = ["auth-strategies", "protocols"].map((folder) => ({
  name: `only-the-registry-imports-${folder}`,
  comment: "A new strategy or driver is one file and one registry line.",
  severity: "error",
  from: {
    path: "^packages/server/src/",
    pathNot: `^packages/server/src/${folder}/registry\\.ts$|\\.test\\.ts$`,
  },
  to: { path: `^packages/server/src/${folder}/strategies/` },
}));

const VAULT_FILE_ENTRY = "^packages/server/(src|lib|dist)/vault-file\\.(ts|js|d\\.ts)$";
/** Pure: learns policies from the audit log, and tells what they would have said. */
const POLICIES_ENTRY = "^packages/server/(src|lib|dist)/policies\\.(ts|js|d\\.ts)$";
/** Pure: the rules of a service's fields. */
const SERVICE_RULES_ENTRY = "^packages/server/(src|lib|dist)/service-rules\\.(ts|js|d\\.ts)$";

module.exports = {
  forbidden: [
    { name: "no-cycles", severity: "error", from: {}, to: { circular: true } },
    {
      name: "no-unlisted-packages",
      severity: "error",
      from: { path: "^packages/[^/]+/src/", pathNot: "\\.test\\.ts$|/testing/" },
      to: { dependencyTypes: ["npm-no-pkg", "npm-unknown", "unknown"] },
    },
    {
      name: "the-client-needs-nothing",
      comment:
        "Of server and CLI, what is a development dependency is bundled; the client is published as it is.",
      severity: "error",
      from: { path: "^packages/client/src/", pathNot: "\\.test\\.ts$|/testing/" },
      to: { dependencyTypes: ["npm", "npm-dev", "npm-peer", "npm-optional"] },
    },
    { name: "no-unresolvable", severity: "error", from: {}, to: { couldNotResolve: true } },
    {
      name: "packages-stay-apart",
      comment: "The CLI speaks to a running server over HTTP through the client, never by import.",
      severity: "error",
      from: { path: "^packages/([^/]+)/" },
      to: {
        path: "^packages/",
        pathNot: [
          "^packages/$1/",
          "^packages/client/(src|dist)/index\\.(ts|js|d\\.ts)$",
          ...[VAULT_FILE_ENTRY, POLICIES_ENTRY, SERVICE_RULES_ENTRY],
        ],
      },
    },
    {
      name: "only-the-cli-works-on-vault-files",
      comment: "What needs no running server: describe, verify, back up and restore a vault file.",
      severity: "error",
      from: { path: "^packages/", pathNot: "^packages/(cli|server)/" },
      to: { path: VAULT_FILE_ENTRY },
    },
    ...layerRules,
    ...registries,
  ],
  options: {
    tsPreCompilationDeps: true,
    doNotFollow: { path: "node_modules|/(dist|lib)/" },
    exclude: { path: "^packages/[^/]+/(dist|lib)/" },
    tsConfig: { fileName: "tsconfig.base.json" },
    enhancedResolveOptions: {
      exportsFields: ["exports"],
      conditionNames: ["import", "types", "node", "default"],
    },
  },
};
