import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import ts from "typescript";
import { afterAll, beforeAll, expect, test } from "vitest";
import { startServer, temporaryDirectory, type RunningServer } from "../live/processes.js";
import { declareTypes, type JsonSchema } from "./schema-types.js";
import { typeProblems } from "./type-problems.js";

/* The types of the TypeScript client are those of the schemas that the server validates with. */

const ROOT = fileURLToPath(new URL("../../", import.meta.url));

/** What the client sends and gets, by its name in `/openapi.json`. Of an entry of the audit log that says little. */
const SAME: readonly (readonly [client: string, server: string])[] = [
  ["Health", "Health"],
  ["HealthDetails", "HealthDetails"],
  ["TokenHealth", "ServiceTokenHealth"],
  ["BrowserLogin", "BrowserLogin"],
  ["StartedBrowserLogin", "StartedBrowserLogin"],
  ["DeviceLogin", "DeviceLogin"],
  ["StartedDeviceLogin", "StartedDeviceLogin"],
  // Codes of failures may become more.
  ['Omit<Client.LoginStatus, "code">', 'Omit<Server.LoginStatus, "code">'],
  ["ServiceInfo", "ServiceInfo"],
  ["Client.ServiceSettings", 'Omit<Server.ServiceDefinition, "name" | "auth">'],
  ["StoredFile", "StoredFile"],
  ["FileInfo", "FileInfo"],
  ["TokenRequest", "TokenRequest"],
  ["ChildTokenRequest", "ChildTokenRequest"],
  // Of the token of an unlock it has one thing more.
  ['Omit<Client.IssuedToken, "idle_timeout">', "Server.IssuedToken"],
  ["TokenInfo", "TokenInfo"],
  ["PolicyContent", "PolicyContent"],
  ["Policy", "Policy"],
  ["StoredPolicy", "StoredPolicy"],
  ["PolicyVerdict", "PolicyVerdict"],
  ["OpenedSession", "OpenedSession"],
  ["SessionInfo", "SessionInfo"],
  ["SshExecResult", "SshExecResult"],
  ["SshUploadResult", "SshUploadResult"],
];

/** Types of credentials of which the client leaves something out. */
const NARROWER: ReadonlySet<string> = new Set(["service_account", "jwt_bearer", "github_app"]);

const COMPARISON = `
  type Plain<T> = T extends readonly (infer E)[]
    ? Plain<E>[]
    : T extends object
      ? { -readonly [K in keyof T as string extends K ? never : K]: Plain<Exclude<T[K], undefined>> }
      : T;
  type Identical<A, B> =
    (<T>() => T extends A ? 1 : 2) extends (<T>() => T extends B ? 1 : 2) ? true : false;
  type Keys<T> = T extends unknown ? keyof T : never;
  type Differences<A, B> = {
    [K in Keys<A> | Keys<B> as K extends Keys<A> & Keys<B>
      ? Identical<Pick<A, K & keyof A>, Pick<B, K & keyof B>> extends true
        ? never
        : K
      : K]: K extends keyof A ? (K extends keyof B ? "differs" : "client only") : "server only";
  };
  /** What the server writes into a definition itself, and takes from nobody but who moves a vault. */
  type Kept = "access_token" | "expires_at" | "issued_at" | "sa_access_token" | "sa_expires_at" | "sa_issued_at";
  /** For a type of the client that leaves out what the server refuses by a rule that no schema knows. */
  type Within<A, B> = A extends B
    ? Identical<Keys<A>, Exclude<Keys<B>, Kept>> extends true ? true : { only: Exclude<Keys<A>, Keys<B>>, missing: Exclude<Keys<B>, Keys<A>> }
    : Differences<A, B>;
  type Agrees<A, B> = Identical<A, B> extends true ? true : Differences<A, B>;
`;

let directory: Awaited<ReturnType<typeof temporaryDirectory>>;
let server: RunningServer;
let schemas: Readonly<Record<string, JsonSchema>>;

beforeAll(async () => {
  directory = await temporaryDirectory();
  server = await startServer({ dataDir: join(directory.path, "data") });
  const document = (await (await fetch(`${server.address}/openapi.json`)).json()) as {
    components: { schemas: typeof schemas };
  };
  schemas = document.components.schemas;
});
afterAll(async () => {
  await server.stop();
  await directory.remove();
});

test("types of the client and schemas of the server agree, field by field", async () => {
  const auths = schemas.ServiceDefinition?.properties?.auth?.oneOf ?? [];
  const types = auths.map(({ properties }) => String(properties?.type?.const ?? properties?.type?.enum?.[0]));
  expect(types).toContain("bearer");
  const pairs = [
    ...SAME.map(([client, name]) =>
      name.includes("Server.") ? [client, name] : [`Client.${client}`, `Server.${name}`],
    ),
    ...types.map((type) => [
      `Extract<Client.AuthDefinition, { type: "${type}" }>`,
      `Extract<Server.ServiceDefinition["auth"], { type: "${type}" }>`,
      NARROWER.has(type) ? "Within" : "Agrees",
    ]),
    ['{ type: Client.AuthDefinition["type"] }', '{ type: Server.ServiceDefinition["auth"]["type"] }'],
  ];
  const lines = pairs.map(
    ([client, name, relation = "Agrees"], index) =>
      `export const pair${index}: ${relation}<Plain<${client}>, Plain<${name}>> = true;`,
  );
  await writeFile(join(directory.path, "server.ts"), declareTypes(schemas));
  const file = join(directory.path, "comparison.ts");
  const imports = [
    `import type * as Client from ${JSON.stringify(join(ROOT, "packages/client/src/index.js"))};`,
    `import type * as Server from "./server.js";`,
  ];
  await writeFile(file, [...imports, COMPARISON, ...lines].join("\n"));
  const problems = typeProblems(file, directory.path, {
    target: ts.ScriptTarget.ES2023,
    module: ts.ModuleKind.NodeNext,
    types: ["node"],
    typeRoots: [join(ROOT, "node_modules/@types")],
    noErrorTruncation: true,
  });
  expect(problems).toEqual([]);
});
