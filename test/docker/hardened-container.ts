import { execFile, spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { closeSync } from "node:fs";
import { chown, mkdir, mkdtemp, readFile, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { recordAnswers } from "../contract/recorded-answers.js";

const run = promisify(execFile);
const SCRIPT = fileURLToPath(new URL("./read-only-root.sh", import.meta.url));
const REPOSITORY = fileURLToPath(new URL("../../", import.meta.url));
/** As the image would see it. */
const RECORDER = "/repository/test/contract/answer-recorder.mjs";
const START_MS = 30_000;

/** Programs of the image, and where they are here. */
const PROGRAMS: Readonly<Record<string, string>> = {
  "vault-server": "packages/server/dist/main.js",
  "vault-cli": "packages/cli/dist/main.js",
  "make-password": "docker/make-password.mjs",
};

export interface Output {
  readonly code: number | NodeJS.Signals;
  readonly stdout: string;
  readonly stderr: string;
}

export interface RunningContainer {
  /** Of its first process, seen from outside. */
  readonly pid: number;
  readonly log: () => string;
  /** As `docker exec`: in all of its namespaces, as its user, without capabilities. */
  exec(program: string, args: readonly string[]): Promise<Output>;
  /** A process of the machine that shares the container's network, as soon as it has written `ready`. */
  spawnBeside(command: string, args: readonly string[], ready: string): Promise<ChildProcess>;
  stop(signal?: NodeJS.Signals): Promise<number | NodeJS.Signals>;
}

/** Two volumes, and containers on them as docker/compose.yaml describes them. Needs Linux and root. */
export interface ContainerHost {
  /** The volumes' directories on the machine. */
  readonly state: string;
  readonly passwords: string;
  /** Runs to its end, with the volume of passwords writable. */
  runOnce(program: string, args: readonly string[]): Promise<Output>;
  start(program: string, args: readonly string[]): Promise<RunningContainer>;
  /** Rejects if a server gave an answer that its OpenAPI document does not promise. */
  remove(): Promise<void>;
}

export async function createContainerHost(options: {
  /** `uid:gid` */
  readonly user: string;
  readonly environment: Readonly<Record<string, string>>;
}): Promise<ContainerHost> {
  const directory = await mkdtemp(join(tmpdir(), "vault-proxy-container-"));
  const [root, state, passwords] = [
    join(directory, "root"),
    join(directory, "state"),
    join(directory, "passwords"),
  ];
  const [uid = 0, gid = 0] = options.user.split(":").map(Number);
  await mkdir(root);
  // As a named volume is made: owner and mode are those of the image's directory.
  for (const volume of [state, passwords]) {
    await mkdir(volume, { mode: 0o700 });
    await chown(volume, uid, gid);
  }
  const answers = recordAnswers();
  const environment = { ...options.environment, PATH: "/usr/bin:/bin" };
  const started: ChildProcess[] = [];

  const launch = (mode: "RW" | "RO", program: string, args: readonly string[]): ChildProcess => {
    const record = answers.open();
    const child = spawn(
      "unshare",
      [
        ...["--mount", "--pid", "--net", "--ipc", "--uts", "--fork", "--kill-child"],
        ...["sh", SCRIPT, root, REPOSITORY, process.execPath, state, passwords, mode],
        ...["env", "-i", ...pairs({ ...environment, ...record.environment }), "/node/node"],
        ...["--import", RECORDER, ...programOf(program), ...args],
      ],
      {
        env: { PATH: `${process.env.PATH ?? ""}:/usr/sbin:/sbin`, USER: options.user },
        stdio: ["pipe", "pipe", "pipe", record.descriptor],
      },
    );
    closeSync(record.descriptor);
    started.push(child);
    return child;
  };

  return {
    state,
    passwords,
    runOnce: (program, args) => outputOf(launch("RW", program, args)),
    async start(program, args) {
      const child = launch("RO", program, args);
      let log = "";
      child.stdout?.on("data", (chunk: Buffer) => (log += chunk.toString()));
      child.stderr?.on("data", (chunk: Buffer) => (log += chunk.toString()));
      const ended = once(child, "close").then(
        ([code, signal]) => (code ?? signal) as number | NodeJS.Signals,
      );
      await waitFor(
        () => log.includes("unlocked with") || child.exitCode !== null,
        () => log,
      );
      const pid = await onlyChildOf(child.pid ?? 0);
      const inside = [
        "--target",
        String(pid),
        "--mount",
        "--pid",
        "--net",
        "--ipc",
        "--uts",
        "--root",
        "--wd",
      ];
      const asUser = ["--reuid", String(uid), "--regid", String(gid), "--clear-groups", "--no-new-privs"];
      return {
        pid,
        log: () => log,
        exec: (execProgram, execArgs) =>
          outputOf(
            spawn("nsenter", [
              ...[
                ...inside,
                "--",
                "/usr/bin/setpriv",
                ...asUser,
                "--inh-caps=-all",
                "--bounding-set=-all",
                "--",
              ],
              ...["env", "-i", ...pairs(environment), "/node/node", ...programOf(execProgram), ...execArgs],
            ]),
          ),
        async spawnBeside(command, besideArgs, ready) {
          const beside = spawn("nsenter", ["--target", String(pid), "--net", "--", command, ...besideArgs]);
          started.push(beside);
          let output = "";
          beside.stdout.on("data", (chunk: Buffer) => (output += chunk.toString()));
          await waitFor(
            () => output.includes(ready) || beside.exitCode !== null,
            () => output,
          );
          return beside;
        },
        async stop(signal = "SIGTERM") {
          process.kill(pid, signal);
          return ended;
        },
      };
    },
    async remove() {
      for (const child of started) if (child.exitCode === null) child.kill("SIGKILL");
      await rm(directory, { recursive: true, force: true });
      await answers.check();
    },
  };
}

/** What is to be run by node: a program of the image, or node's own options. */
function programOf(program: string): string[] {
  const path = PROGRAMS[program];
  return path === undefined ? [program] : [`/repository/${path}`];
}

function pairs(environment: Readonly<Record<string, string>>): string[] {
  return Object.entries(environment).map(([name, value]) => `${name}=${value}`);
}

async function outputOf(child: ChildProcess): Promise<Output> {
  let stdout = "";
  let stderr = "";
  child.stdin?.end();
  child.stdout?.on("data", (chunk: Buffer) => (stdout += chunk.toString()));
  child.stderr?.on("data", (chunk: Buffer) => (stderr += chunk.toString()));
  const [code, signal] = (await once(child, "close")) as [number | null, NodeJS.Signals | null];
  return { code: code ?? signal ?? -1, stdout, stderr };
}

async function onlyChildOf(pid: number): Promise<number> {
  const children = await readFile(`/proc/${pid}/task/${pid}/children`, "utf8");
  return Number(children.trim());
}

async function waitFor(isSo: () => boolean, told: () => string): Promise<void> {
  const deadline = Date.now() + START_MS;
  while (!isSo()) {
    if (Date.now() > deadline) throw new Error(`the container did not start:\n${told()}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

/** The rows of a process's `/proc/<pid>/status`. */
export async function statusOf(pid: number): Promise<ReadonlyMap<string, string>> {
  const lines = (await readFile(`/proc/${pid}/status`, "utf8")).trim().split("\n");
  return new Map(lines.map((line) => line.split(":\t") as [string, string]));
}

/** Paths from the directory, in order. */
export async function filesBelow(directory: string): Promise<readonly string[]> {
  const entries = await readdir(directory, { recursive: true });
  return entries.sort();
}

/** Runs a command of the machine to its end; its standard output. */
export async function outputFrom(command: string, args: readonly string[]): Promise<string> {
  return (await run(command, [...args])).stdout;
}
