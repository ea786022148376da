import { execFile } from "node:child_process";
import { copyFile, mkdir, readFile, readdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { checkPackage, createPackageFromTarballData } from "@arethetypeswrong/core";
import { NewWithToken } from "@vault-proxy/client";
import { publint } from "publint";
import { formatMessage } from "publint/utils";
import ts from "typescript";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { PASSWORD, cleanEnvironment, temporaryDirectory } from "../live/processes.js";
import { startEchoApi, type EchoApi } from "./echo-api.js";
import { startInstalledServer, type InstalledServer } from "./installed-server.js";
import { startLocalRegistry, type LocalRegistry } from "./local-registry.js";
import { bundleForWorkers, evaluateInWorker } from "./worker-bundle.js";
import { typeProblems } from "./type-problems.js";

/* The packages as users get them: packed, installed by npm into an empty project, and run there. */

const ROOT = fileURLToPath(new URL("../../", import.meta.url));
const NAMES = ["client", "server", "cli"] as const;
type Name = (typeof NAMES)[number];

interface Packed {
  readonly tarball: string;
  /** Bytes, of the tarball and of its files. */
  readonly size: number;
  readonly unpackedSize: number;
  readonly files: readonly string[];
}

const run = promisify(execFile);
let directory: Awaited<ReturnType<typeof temporaryDirectory>>;
let project: string;
let registry: LocalRegistry;
let server: InstalledServer;
let api: EchoApi;
let admin: string;
const packed = new Map<Name, Packed>();

/** npm with nothing of the developer's own settings. */
async function npm(args: readonly string[], cwd: string): Promise<string> {
  const settings = ["--cache", join(directory.path, "cache"), "--userconfig", join(directory.path, "npmrc")];
  const env = cleanEnvironment({ HOME: directory.path });
  return (await run("npm", [...args, ...settings], { cwd, env, maxBuffer: 64 * 1024 * 1024 })).stdout;
}

async function pack(name: Name): Promise<Packed> {
  const args = ["pack", join(ROOT, "packages", name), "--json", "--ignore-scripts"];
  const [answer] = JSON.parse(await npm(args, directory.path)) as {
    filename: string;
    size: number;
    unpackedSize: number;
    files: { path: string }[];
  }[];
  const { filename, size, unpackedSize, files } = answer!;
  const tarball = join(directory.path, filename);
  return { tarball, size, unpackedSize, files: files.map(({ path }) => path).sort() };
}

const bin = (name: string): string => join(project, "node_modules/.bin", name);

beforeAll(async () => {
  directory = await temporaryDirectory();
  project = join(directory.path, "project");
  await mkdir(project);
  await writeFile(join(project, "package.json"), JSON.stringify({ private: true, type: "module" }));
  for (const name of NAMES) packed.set(name, await pack(name));
  registry = await startLocalRegistry(
    NAMES.map((name) => join(ROOT, "packages", name)),
    directory.path,
  );
  // Without the install scripts of libraries: they would compile what is optional, for half a minute.
  const flags = ["--registry", registry.url, "--ignore-scripts", "--no-audit", "--no-fund"];
  await npm(["install", ...flags, ...NAMES.map((name) => packed.get(name)!.tarball)], project);
  server = await startInstalledServer(bin("vault-server"), join(directory.path, "data"));
  api = await startEchoApi();
  const owner = NewWithToken(server.address, "");
  admin = await owner.unlock(PASSWORD);
  await owner.addService({
    name: "echo",
    base_url: api.origin,
    auth: { type: "header", header_name: "X-Key", header_value: "credential-of-the-echo" },
    allow_private: true,
  });
  for (const program of ["client-program.mjs", "transport-program.mjs"]) {
    await copyFile(fileURLToPath(new URL(program, import.meta.url)), join(project, program));
  }
  await writeFile(join(project, "b.txt"), "b");
}, 50_000);

afterAll(async () => {
  await server.stop();
  await api[Symbol.asyncDispose]();
  await registry[Symbol.asyncDispose]();
  await directory.remove();
});

describe.each(NAMES)("@vault-proxy/%s", (name) => {
  test("holds what is run, its licences and a README, and nothing of how it is made", () => {
    const { files } = packed.get(name)!;
    expect(files).toEqual(expect.arrayContaining(["LICENSE", "README.md", "package.json"]));
    const allowed = /^(LICENSE|README\.md|package\.json|presets\/[\w-]+\.yaml|dist\/[\w-]+\.(js|d\.ts))$/;
    const others = files.filter((file) => !allowed.test(file));
    expect(others).toEqual(name === "client" ? [] : ["dist/THIRD-PARTY-NOTICES.txt"]);
  });

  test("says which Node it runs on and under which licence, and depends on exact versions", async () => {
    const manifest = JSON.parse(
      await readFile(join(project, "node_modules/@vault-proxy", name, "package.json"), "utf8"),
    ) as Record<string, unknown>;
    expect(manifest).toMatchObject({ license: "MIT", type: "module", engines: { node: ">=20.19" } });
    expect(manifest.description).toMatch(/\.$/);
    expect(manifest).not.toHaveProperty("repository");
    for (const version of Object.values(manifest.dependencies ?? {})) {
      expect(version).toMatch(/^\d+\.\d+\.\d+$/);
    }
  });

  test("its README leads to nothing outside of the package", async () => {
    const text = await readFile(join(ROOT, "packages", name, "README.md"), "utf8");
    expect(text.match(/\]\((?!https:)[^)]*\)/g) ?? []).toEqual([]);
  });

  test("publint finds nothing", async () => {
    const { tarball } = packed.get(name)!;
    const bytes = await readFile(tarball);
    const { messages, pkg } = await publint({
      pack: { tarball: new Uint8Array(bytes).buffer },
      strict: true,
    });
    expect(messages.map((message) => formatMessage(message, pkg))).toEqual([]);
  });
});

describe("@vault-proxy/client", () => {
  test("its types are right however they are looked for", async () => {
    const bytes = await readFile(packed.get("client")!.tarball);
    const analysis = await checkPackage(createPackageFromTarballData(new Uint8Array(bytes)));
    expect(analysis.types).not.toBe(false);
    const problems = "problems" in analysis ? analysis.problems : [];
    // It is published as ES modules only: CommonJS loads those since Node 20.19; and the oldest way to look for types
    // knows no `exports`.
    const expected = problems.filter(
      (problem) =>
        problem.kind !== "CJSResolvesToESM" &&
        !("resolutionKind" in problem && problem.resolutionKind === "node10"),
    );
    expect(expected).toEqual([]);
  });

  const SAMPLE = `
    import * as client from "@vault-proxy/client";
    import { connect, proxy } from "@vault-proxy/client/functions";
    const c: client.VaultClient = client.New({ token: "tok_x", timeoutMs: 1000 });
    const definition: client.ServiceDefinition = {
      name: "openai",
      base_url: "https://api.openai.com/v1",
      auth: { type: "bearer", token: "sk-…" },
    };
    export const info: Promise<client.ServiceInfo> = c.addService(definition, { signal: AbortSignal.timeout(5) });
    export const answer: Promise<Response> = c.proxy("openai", "POST", "/chat/completions", { model: "x" });
    export const other: Promise<Response> = proxy(connect({ addr: "http://127.0.0.1:1" }), "openai", "GET", "/models");
    // @ts-expect-error a header's name is missing
    export const wrong: client.AuthDefinition = { type: "header", header_value: "x" };
    // @ts-expect-error no such type of credential
    export const unknown: client.AuthDefinition = { type: "bear", token: "x" };
  `;
  const NODE = { types: ["node"], typeRoots: [join(ROOT, "node_modules/@types")] };
  const BROWSER = { types: [], lib: ["lib.es2024.d.ts", "lib.dom.d.ts", "lib.dom.asynciterable.d.ts"] };
  test.each([
    { how: "node16", file: "sample.ts", options: { ...NODE, module: ts.ModuleKind.Node16 } },
    {
      how: "nodenext, of a CommonJS file",
      file: "sample.cts",
      options: { ...NODE, module: ts.ModuleKind.NodeNext },
    },
    {
      how: "bundler, with the types of browsers alone",
      file: "sample.ts",
      options: {
        ...BROWSER,
        module: ts.ModuleKind.ESNext,
        moduleResolution: ts.ModuleResolutionKind.Bundler,
      },
    },
  ])("a program compiles with moduleResolution $how", async ({ file, options }) => {
    const path = join(project, file);
    await writeFile(path, SAMPLE);
    const target = ts.ScriptTarget.ES2023;
    expect(typeProblems(path, project, { target, exactOptionalPropertyTypes: true, ...options })).toEqual([]);
  });

  const RESULT = {
    health: "unlocked",
    services: ["echo"],
    answer: [200, { method: "POST", url: "/v1/things?x=%2F", credential: true, body: '{"text":"Grüße"}' }],
    streamed: "first second",
    hanging: "Error: enough",
    unknown: [404, "not_found"],
    file: [0, 255, 10],
    path: 1,
    openai: "/proxy/echo/v1",
  };

  // Bun and Deno are no dependencies: name their programs in the variable to try them too.
  const others = (process.env.CLIENT_RUNTIMES ?? "").split(" ").filter((program) => program !== "");
  async function runProgram(
    program: string,
    file: string,
    more: Record<string, string> = {},
  ): Promise<unknown> {
    const flags = program.endsWith("deno") ? ["run", "--allow-all", "--node-modules-dir=manual"] : [];
    const { stdout } = await run(program, [...flags, file], {
      cwd: project,
      env: cleanEnvironment({ ...more, HOME: directory.path }),
      timeout: 20_000,
    });
    return JSON.parse(stdout);
  }

  test.each(["node", ...others])("a program on %s calls the installed server", async (program) => {
    const env = { VAULT_ADDR: server.address, VAULT_TOKEN: admin, CLIENT_PROGRAM: "run" };
    expect(await runProgram(program, "client-program.mjs", env)).toEqual(RESULT);
  });

  test.each(["node", ...others])(
    "on %s a request that breaks goes out once, unix sockets are called, and a file is sent whole",
    async (program) => {
      expect(await runProgram(program, "transport-program.mjs")).toEqual({
        health: "locked",
        broken: "connection_failed",
        uploaded: 19,
        unix: { health: "locked", broken: "connection_failed", failing: "the source failed" },
        requests: { health: 2, tokens: 2 },
      });
    },
  );

  test("an answer that nobody reads does not keep a program from its end", async () => {
    const source = `
      import { New } from "@vault-proxy/client";
      console.log((await New().proxy("echo", "GET", "/")).status);`;
    const env = cleanEnvironment({ VAULT_ADDR: server.address, VAULT_TOKEN: admin, HOME: directory.path });
    const args = ["--input-type=module", "--eval", source];
    const { stdout } = await run("node", args, { cwd: project, env, timeout: 5_000 });
    expect(stdout).toBe("200\n");
  });

  test("bundled for a worker it imports nothing, and needs no more than the platform's fetch", async () => {
    const { code, imports } = await bundleForWorkers('export * from "./client-program.mjs"', project);
    expect(imports).toEqual([]);
    const { useVault } = evaluateInWorker(code) as {
      useVault: (addr: string, token: string) => Promise<unknown>;
    };
    // A worker has no files.
    expect(await useVault(server.address, admin)).toEqual({ ...RESULT, path: "invalid_request" });
  });

  // Minified bytes. The first three are stated in the README.
  test.each([
    ['export { VaultClient } from "@vault-proxy/client"', 34_500],
    ['export { ProxyClient } from "@vault-proxy/client"', 28_000],
    ['export { connect, proxy } from "@vault-proxy/client/functions"', 15_000],
    ['export { VaultError } from "@vault-proxy/client"', 500],
  ])("a bundle of %s is small", async (source, most) => {
    const { code } = await bundleForWorkers(source, project);
    expect(code.length).toBeLessThan(most);
  });
});

describe("the commands", () => {
  test("vault-server and vault-cli tell the packages' version", async () => {
    const { version } = JSON.parse(await readFile(join(ROOT, "packages/server/package.json"), "utf8")) as {
      version: string;
    };
    for (const command of ["vault-server", "vault-cli"]) {
      const { stdout } = await run(bin(command), ["--version"], { env: cleanEnvironment() });
      expect(stdout).toContain(version);
    }
  });

  test("vault-cli health speaks to the installed server", async () => {
    const env = cleanEnvironment({ VAULT_ADDR: server.address, HOME: directory.path });
    const { stdout } = await run(bin("vault-cli"), ["health"], { cwd: project, env });
    expect(stdout).toMatch(/locked/);
  });

  test("vault-cli vault info reads a vault file by the installed server's code", async () => {
    const env = cleanEnvironment({ HOME: directory.path });
    const file = join(directory.path, "data", "vault.enc");
    const { stdout } = await run(bin("vault-cli"), ["vault", "info", file], { cwd: project, env });
    expect(stdout).toMatch(/version|format/i);
  });

  test("are installed for the whole machine from their two files, without asking a registry for either", async () => {
    const prefix = join(directory.path, "global");
    const files = (["server", "cli"] as const).map((name) => packed.get(name)!.tarball);
    const flags = ["--registry", registry.url, "--ignore-scripts", "--no-audit", "--no-fund"];
    await npm(["install", "--global", "--prefix", prefix, ...flags, ...files], directory.path);
    const env = cleanEnvironment({ HOME: directory.path });
    const { stdout } = await run(join(prefix, "bin/vault-cli"), ["--version"], { env });
    expect((await run(join(prefix, "bin/vault-server"), ["--version"], { env })).stdout).toBe(stdout);
    // The registry here has neither of them.
    expect([...registry.tarballs]).not.toContain("@vault-proxy");
  });

  test("nothing but the listed dependencies is installed", async () => {
    const modules = await readdir(join(project, "node_modules"));
    const listed = modules.filter((name) => !name.startsWith("."));
    expect(listed.filter((name) => name !== "@vault-proxy" && !registry.tarballs.has(name))).toEqual([]);
    expect(listed).toEqual(expect.arrayContaining(["@vault-proxy", "argon2", "ssh2", "open"]));
  });
});
