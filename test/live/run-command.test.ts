import { spawn, type ChildProcessWithoutNullStreams } from "node:child_process";
import { once } from "node:events";
import { existsSync, readFileSync } from "node:fs";
import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import {
  cleanEnvironment,
  cli,
  PASSWORD,
  startServer,
  temporaryDirectory,
  type CliResult,
  type RunningServer,
} from "./processes.js";
import { makeCertificates, startUpstream, type Certificates, type Upstream } from "./tls-upstream.js";

const CLI = fileURLToPath(new URL("../../packages/cli/dist/main.js", import.meta.url));
const SECRET = "sk-run-S3cret-0123456789";
/** Prints what a program was given. */
const SHOW_ENVIRONMENT = ["node", "-e", "console.log(JSON.stringify(process.env))"];

let certificates: Certificates;
let upstream: Upstream;
let directory: Awaited<ReturnType<typeof temporaryDirectory>>;
let server: RunningServer;
let home: string;
let session: string;
/** Of an admin, for looking at what was done. */
let admin: string;

beforeAll(async () => {
  certificates = await makeCertificates();
  upstream = await startUpstream(certificates, (request, response) => {
    response.end(`${request.method ?? ""} ${request.url ?? ""}`);
  });
  directory = await temporaryDirectory();
  home = join(directory.path, "home");
  session = join(home, ".vault-proxy", "session");
  await mkdir(home);
  server = await startServer({ dataDir: join(directory.path, "data") });
  await unlock();
  admin = (await succeed(["token", "create", "admin"])).trim();
  const add = (name: string, path = "") =>
    succeed(
      [
        ...["service", "add", name, "--type", "bearer", "--bearer-stdin", "--base-url"],
        ...[upstream.origin + path, "--allow-private", "--tls-ca", certificates.caPath],
      ],
      { stdin: SECRET },
    );
  await add("openai", "/v1");
  await add("my-claude");
  await add("other");
});

afterAll(async () => {
  await server.stop();
  await upstream.close();
  await directory.remove();
  await certificates.remove();
});

beforeEach(async () => {
  if (!existsSync(session)) await unlock();
});

interface Options {
  readonly stdin?: string;
  readonly env?: Readonly<Record<string, string>>;
}

function run(args: readonly string[], { stdin, env }: Options = {}): Promise<CliResult> {
  return cli(args, { stdin: stdin ?? "", env: { HOME: home, VAULT_ADDR: server.address, ...env } });
}

async function succeed(args: readonly string[], options: Options = {}): Promise<string> {
  const result = await run(args, options);
  expect(result, args.join(" ")).toMatchObject({ code: 0 });
  return result.stdout;
}

async function unlock(): Promise<void> {
  await succeed(["unlock"], { stdin: PASSWORD });
}

/** Those that can be used now. */
async function tokens(): Promise<{ id_prefix: string; name?: string; policy?: unknown }[]> {
  const listed = await succeed(["token", "list", "--json"], { env: { VAULT_TOKEN: admin } });
  return JSON.parse(listed) as { id_prefix: string; name?: string }[];
}

async function status(token: string, path = "/services"): Promise<number> {
  const answer = await fetch(server.address + path, { headers: { authorization: `Bearer ${token}` } });
  await answer.arrayBuffer();
  return answer.status;
}

function start(args: readonly string[]): ChildProcessWithoutNullStreams {
  const env = cleanEnvironment({ HOME: home, VAULT_ADDR: server.address });
  return spawn(process.execPath, [CLI, "run", ...args], { env, stdio: "pipe", detached: true });
}

describe("run", () => {
  test("gives a program a token of its own, which ends with it, and takes the admin session away", async () => {
    const [saved = ""] = readFileSync(session, "utf8").split("\n");
    expect(await status(saved)).toBe(200);
    const result = await run(["run", "--", ...SHOW_ENVIRONMENT], {
      env: { VAULT_PASSWORD_FILE: "/x", VAULT_DATA_DIR: "/y", OTHER: "kept" },
    });
    expect(result).toMatchObject({ code: 0 });
    expect(result.stderr).toContain("The admin session was ended");
    const env = JSON.parse(result.stdout) as Record<string, string>;
    expect(Object.keys(env).filter((name) => name.startsWith("VAULT_"))).toEqual([
      "VAULT_ADDR",
      "VAULT_TOKEN",
    ]);
    expect(env).toMatchObject({ VAULT_ADDR: server.address, OTHER: "kept" });
    expect(env.VAULT_TOKEN).toMatch(/^tok_/);
    expect(env.VAULT_TOKEN).not.toBe(saved);
    expect(existsSync(session)).toBe(false);
    expect(await status(env.VAULT_TOKEN ?? "")).toBe(401);
    expect(await status(saved)).toBe(401);
  });

  test("keeps the session where it is told to", async () => {
    const [saved = ""] = readFileSync(session, "utf8").split("\n");
    await succeed(["run", "--keep-session", "--", "true"]);
    expect(existsSync(session)).toBe(true);
    expect(await status(saved)).toBe(200);
  });

  test("passes on input, output and exit code, and options of the program", async () => {
    const script = "cat; echo $* >&2; exit 42";
    const kept = ["run", "--keep-session"];
    const result = await run([...kept, "--", "sh", "-c", script, "x", "--json", "-h"], { stdin: "input" });
    expect(result).toMatchObject({ code: 42, stdout: "input" });
    expect(result.stderr).toContain("--json -h");
    expect(await run([...kept, "--", "no-such-program"])).toMatchObject({ code: 127 });
    expect(await run([...kept, "--", "sh", "-c", "kill -KILL $$"])).toMatchObject({ code: 137 });
    expect(await run(["run"])).toMatchObject({ code: 2 });
    expect((await tokens()).filter(({ name }) => name === "sh" || name === "no-such-program")).toEqual([]);
  });

  test.each(["SIGINT", "SIGTERM", "SIGHUP", "SIGUSR1", "SIGUSR2"] as const)(
    "passes on %s, waits for the program, and revokes its token then",
    async (signal) => {
      const script = `trap 'echo caught; exit 7' INT TERM HUP USR1 USR2; echo $VAULT_TOKEN; while :; do sleep 0.05; done`;
      const child = start(["--", "sh", "-c", script]);
      let output = "";
      child.stdout.on("data", (chunk: Buffer) => (output += chunk.toString()));
      while (!output.includes("\n")) await once(child.stdout, "data");
      const token = output.trim();
      expect(await status(token)).toBe(200);
      child.kill(signal);
      const [code] = (await once(child, "close")) as [number];
      expect(code).toBe(7);
      expect(output).toContain("caught");
      expect(await status(token)).toBe(401);
    },
  );

  test("revokes the token also where the clock is days ahead of the server's", async () => {
    const ahead = "const { now } = Date; Date.now = () => now() + 2 * 86_400_000;";
    const env = { NODE_OPTIONS: `--import=data:text/javascript,${encodeURIComponent(ahead)}` };
    const ended = await run(["run", "--keep-session", "--", "sh", "-c", "echo $VAULT_TOKEN"], { env });
    expect(ended).toMatchObject({ code: 0, stderr: "" });
    expect(await status(ended.stdout.trim())).toBe(401);
  });

  test("tells that the program outlived its token", async () => {
    const ended = await run(["run", "--keep-session", "--ttl", "1s", "--", "sleep", "1.2"]);
    expect(ended.code).toBe(0);
    expect(ended.stderr).toMatch(
      /^warning: the program's token ended before it, at \S+Z: --ttl gives a longer one\n$/,
    );
  });

  test("limits the token as it is told", async () => {
    const script = "for i in 1 2 3; do node $0 proxy $1 GET /x; echo; done; node $0 proxy other GET /x";
    const words = ["sh", "-c", script, CLI, "my-claude"];
    const result = await run(["run", "--service", "my-claude", "--max-uses", "2", "--", ...words]);
    expect(result.stdout).toBe("GET /x\nGET /x\n\n");
    expect(result.code).toBe(1);
    expect((await tokens()).every(({ name }) => name !== "sh")).toBe(true);
  });

  test("hands on a part of a proxy token where that is all there is", async () => {
    const token = (await succeed(["token", "create", "--service", "other"])).trim();
    const env = { VAULT_TOKEN: token };
    const call = (service: string) => ["run", "--", "node", CLI, "proxy", service, "GET", "/x"];
    expect(await run(call("other"), { env })).toMatchObject({ code: 0, stdout: "GET /x" });
    expect(await run(call("my-claude"), { env })).toMatchObject({ code: 1, stdout: "" });
    expect(await run(["run", "--policy", "p", "--", "true"], { env })).toMatchObject({ code: 2 });
    expect(await status(token)).toBe(200);
  });

  test("warns of an admin's VAULT_TOKEN, which it does not pass on", async () => {
    const result = await run(["run", "--", ...SHOW_ENVIRONMENT], { env: { VAULT_TOKEN: admin } });
    expect(result.stderr).toContain("VAULT_TOKEN of this shell is an admin's");
    expect(result.stdout).not.toContain(admin);
    expect(await status(admin)).toBe(200);
  });
});

describe("run --env", () => {
  test("gives SDKs their variables, and a token for those services only", async () => {
    const result = await run(["run", "--env", "openai,anthropic=my-claude", "--", ...SHOW_ENVIRONMENT], {
      env: { OPENAI_API_KEY: SECRET },
    });
    const env = JSON.parse(result.stdout) as Record<string, string>;
    expect(env).toMatchObject({
      OPENAI_BASE_URL: `${server.address}/proxy/openai`,
      OPENAI_API_KEY: env.VAULT_TOKEN,
      ANTHROPIC_BASE_URL: `${server.address}/proxy/my-claude`,
      ANTHROPIC_API_KEY: env.VAULT_TOKEN,
    });
    expect(result.stdout).not.toContain(SECRET);
    const fetchModels =
      "fetch(process.env.OPENAI_BASE_URL + '/models', {headers: {authorization: 'Bearer ' + process.env.OPENAI_API_KEY}}).then(async (r) => console.log(r.status, await r.text()))";
    await unlock();
    expect(await succeed(["run", "--env", "openai", "--", "node", "-e", fetchModels])).toBe(
      "200 GET /v1/models\n",
    );
    await unlock();
    const other = await run(["run", "--env", "openai", "--", "node", CLI, "proxy", "other", "GET", "/x"]);
    expect(other).toMatchObject({ code: 1, stdout: "" });
    await unlock();
    const widened = ["run", "--env", "openai", "--service", "other", "--", "node", CLI];
    expect(await succeed([...widened, "proxy", "other", "GET", "/x"])).toBe("GET /x");
  });

  test.each([
    ["opnai", 2, "did you mean openai?"],
    ["anthropic", 1, "there is no service anthropic"],
    ["mistral=other", 1, "--env openai=other"],
    ["openai=", 2, "write openai, or openai=my-service"],
  ])("%s is refused before anything is run or ended", async (names, code, message) => {
    const before = (await tokens()).length;
    const result = await run(["run", "--env", names, "--", "echo", "ran"]);
    expect(result).toMatchObject({ code, stdout: "" });
    expect(result.stderr).toContain(message);
    expect(existsSync(session)).toBe(true);
    expect((await tokens()).length).toBe(before);
  });
});

test("a session that was idle for too long says so", async () => {
  await succeed(["unlock", "--idle-timeout", "1s"], { stdin: PASSWORD });
  expect((await tokens()).some((token) => "idle_timeout" in token)).toBe(true);
  await new Promise((resolve) => setTimeout(resolve, 1_100));
  expect(await run(["service", "list"])).toMatchObject({
    code: 1,
    stderr: "error: session expired after 1 idle second: run `vault-cli unlock`\n",
  });
  expect(await run(["unlock", "--idle-timeout", "0"], { stdin: PASSWORD })).toMatchObject({ code: 2 });
  await succeed(["unlock", "--idle-timeout", "off"], { stdin: PASSWORD });
});
