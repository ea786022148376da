import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { refuseSecretsInAudit } from "../audit-secrets/audit-search.js";
import { noteSecret, noteSecretsOfBody } from "../audit-secrets/used-secrets.js";
import { recordAnswers, type RecordedAnswers } from "../contract/recorded-answers.js";

const SERVER = fileURLToPath(new URL("../../packages/server/dist/main.js", import.meta.url));
const CLI = fileURLToPath(new URL("../../packages/cli/dist/main.js", import.meta.url));
const QUICK_DERIVATION = fileURLToPath(new URL("./quick-derivation.mjs", import.meta.url));
const START_MS = 15_000;

export const PASSWORD = "correct horse battery staple";
noteSecret(PASSWORD);

/** A built vault-server as a process of its own. */
export interface RunningServer {
  readonly pid: number;
  /** Where it listens: `http://127.0.0.1:1234`, `https://…` or `unix:/path`. */
  readonly address: string;
  readonly dataDir: string;
  /** All that it has written to its log so far. */
  readonly log: () => string;
  /** Resolves with exit code or signal. */
  stop(signal?: NodeJS.Signals): Promise<number | NodeJS.Signals>;
  /**
   * How the process ended, when it does. Rejects, and `stop` does, if its audit log holds a secret that a test used, or if it
   * gave an answer that its OpenAPI document does not promise.
   */
  readonly ended: Promise<number | NodeJS.Signals>;
}

export async function temporaryDirectory(): Promise<{ path: string; remove: () => Promise<void> }> {
  const path = await mkdtemp(join(tmpdir(), "vault-proxy-test-"));
  return { path, remove: () => rm(path, { recursive: true, force: true }) };
}

/** An environment that holds nothing of the developer's own configuration. */
export function cleanEnvironment(extra: Readonly<Record<string, string>> = {}): NodeJS.ProcessEnv {
  const { PATH, LANG } = process.env;
  return { PATH, LANG, ...extra };
}

/** `TEST_WORKERS=2 npx vitest run test/live` runs the same tests on servers with workers. */
function workersOfRun(): Readonly<Record<string, string>> {
  const { TEST_WORKERS } = process.env;
  return TEST_WORKERS === undefined ? {} : { VAULT_WORKERS: TEST_WORKERS };
}

/**
 * How keys are derived from passwords: a third of a second of a processor each time, where it is the real one. Where it is
 * quick, only programs for which it is quick too can open the vault.
 */
export type Derivation = "quick" | "real";

/** For node, before the program. */
export function derivationFlags(derivation: Derivation): readonly string[] {
  return derivation === "quick" ? ["--import", QUICK_DERIVATION] : [];
}

export async function startServer(options: {
  readonly dataDir: string;
  /** Quick by default. */
  readonly derivation?: Derivation;
  readonly flags?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  /** For who wants to look at the record. */
  readonly answers?: RecordedAnswers;
}): Promise<RunningServer> {
  const answers = options.answers ?? recordAnswers();
  const { child, output, ...started } = run(
    [
      ...answers.nodeFlags,
      ...derivationFlags(options.derivation ?? "quick"),
      SERVER,
      "--data-dir",
      options.dataDir,
      ...(options.flags?.includes("--listen") === true ? [] : ["--listen", "127.0.0.1:0"]),
      ...(options.flags ?? []),
    ],
    { ...workersOfRun(), ...options.env, ...answers.environment },
  );
  const ended = started.ended.then(async (how) => {
    await refuseSecretsInAudit(options.dataDir);
    await answers.check();
    return how;
  });
  const address = await new Promise<string>((resolve, reject) => {
    const timer = setTimeout(() => reject(new Error(`the server did not start:\n${output()}`)), START_MS);
    const look = (): void => {
      const found = /listening on (\S+)/.exec(output())?.[1];
      if (found === undefined) return;
      clearTimeout(timer);
      resolve(found);
    };
    child.stderr?.on("data", look);
    void started.ended.then((how) => {
      clearTimeout(timer);
      reject(new Error(`the server ended with ${String(how)}:\n${output()}`));
    });
  });
  const { pid } = child;
  if (pid === undefined) throw new Error("the server has no process id");
  return {
    pid,
    address,
    dataDir: options.dataDir,
    log: output,
    ended,
    async stop(signal = "SIGTERM") {
      child.kill(signal);
      const how = await ended;
      if (output().includes("unexpected error")) throw new Error(`a defect was logged:\n${output()}`);
      return how;
    },
  };
}

/** Starts the server where it is expected to refuse: exit code and all output. */
export async function startRefused(
  flags: readonly string[],
  env: Readonly<Record<string, string>> = {},
): Promise<{ code: number | NodeJS.Signals; output: string }> {
  const { output, ended } = run([SERVER, ...flags], env);
  return { code: await ended, output: output() };
}

export interface CliResult {
  readonly code: number | NodeJS.Signals;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs the built vault-cli to its end. */
export async function cli(
  args: readonly string[],
  options: {
    readonly env?: Readonly<Record<string, string>>;
    readonly stdin?: string;
    /** Quick by default, for the commands that open a vault file themselves. */
    readonly derivation?: Derivation;
    /** Ctrl-C, once stdout has this many lines. */
    readonly interruptAfterLines?: number | undefined;
  } = {},
): Promise<CliResult> {
  noteSecretsOfBody(options.stdin ?? "");
  const opensVaultFile = args[0] === "vault" || args.includes("--with-password");
  const flags = opensVaultFile ? derivationFlags(options.derivation ?? "quick") : [];
  const child = spawn(process.execPath, [...flags, CLI, ...args], {
    env: cleanEnvironment(options.env),
    stdio: "pipe",
  });
  let stdout = "";
  let stderr = "";
  child.stdout.on("data", (chunk: Buffer) => {
    stdout += chunk.toString();
    const lines = stdout.split("\n").length - 1;
    if (options.interruptAfterLines !== undefined && lines >= options.interruptAfterLines)
      child.kill("SIGINT");
  });
  child.stderr.on("data", (chunk: Buffer) => (stderr += chunk.toString()));
  child.stdin.on("error", () => undefined);
  child.stdin.end(options.stdin ?? "");
  const [code, signal] = (await once(child, "close")) as [number | null, NodeJS.Signals | null];
  return { code: code ?? signal ?? -1, stdout, stderr };
}

function run(
  args: readonly string[],
  env: Readonly<Record<string, string>> = {},
): { child: ChildProcess; output: () => string; ended: Promise<number | NodeJS.Signals> } {
  const child = spawn(process.execPath, args, {
    env: cleanEnvironment(env),
    stdio: ["ignore", "pipe", "pipe"],
  });
  let text = "";
  child.stdout.on("data", (chunk: Buffer) => (text += chunk.toString()));
  child.stderr.on("data", (chunk: Buffer) => (text += chunk.toString()));
  const ended = once(child, "close").then(([code, signal]) => (code ?? signal) as number | NodeJS.Signals);
  return { child, output: () => text, ended };
}
