import { execFile, spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { chmod, mkdir, readdir, readlink, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { noteSecret } from "../audit-secrets/used-secrets.js";
import { recordAnswers } from "../contract/recorded-answers.js";
import { linkPackages } from "./linked-packages.js";
import { cleanEnvironment, PASSWORD, temporaryDirectory } from "../live/processes.js";
import { makeCertificates } from "../live/tls-upstream.js";

const ROOT = fileURLToPath(new URL("../../", import.meta.url));
const INTERNET = fileURLToPath(new URL("./stub-internet.mjs", import.meta.url));
const QUICK = fileURLToPath(new URL("./quick-vault-programs.mjs", import.meta.url));
const TERMINAL = fileURLToPath(new URL("./terminal.py", import.meta.url));
const BLOCK_MS = 60_000;

/** What is typed where a page has a credential asked for, and what the stub of every API demands. */
export const SECRET = "docs-5ecret-4f1c9d2e8b7a6035";
noteSecret(SECRET);

/** Whose variables a script finds and leaves. */
export type Shell = "owner" | "agent";

export interface Ran {
  readonly code: number;
  readonly output: string;
}

/** A machine of its own for one page: an empty home, names that lead to a stub, and port 8390 free. */
export interface PageWorld {
  /** PEM file of the authority that the stub's certificate is of. */
  readonly caPath: string;
  readonly home: string;
  /** Hosts, methods and targets of the requests that reached the stub. */
  readonly received: readonly { readonly host: string; readonly method: string; readonly target: string }[];
  /** Runs a shell script in a terminal; variables, aliases and functions of those before, of the same user, are there. */
  shell(script: string, as?: Shell): Promise<Ran>;
  /** Starts one that stays, and waits until it has said so. */
  background(script: string, until: string): Promise<void>;
  /** Runs a program without a terminal. */
  program(command: readonly string[], extra?: Readonly<Record<string, string>>): Promise<Ran>;
  /** Rejects if a server gave an answer that its OpenAPI document does not promise. */
  close(): Promise<void>;
}

/** @param hosts all names that pages call */
export async function openPageWorld(hosts: readonly string[]): Promise<PageWorld> {
  const directory = await temporaryDirectory();
  const certificates = await makeCertificates(hosts.map((host) => `DNS:${host}`).join(","));
  const path = (name: string): string => join(directory.path, name);
  const home = path("home");
  await Promise.all([mkdir(join(home, "bin"), { recursive: true }), mkdir(path("bin"))]);
  const lines = hosts.map((host, index) => `93.184.${String(index >> 8)}.${String(index & 255)} ${host}`);
  await Promise.all([
    writeFile(path("hosts"), ["127.0.0.1 localhost", ...lines, ""].join("\n")),
    writeFile(path("cert.pem"), certificates.cert),
    writeFile(path("key.pem"), certificates.key),
    writeFile(path("owner"), ""),
    writeFile(path("agent"), ""),
    ...(["cli", "server"] as const).map(async (name) => {
      const program = path(`bin/vault-${name}`);
      await writeFile(
        program,
        `#!/bin/sh\nexec "${process.execPath}" "${ROOT}packages/${name}/dist/main.js" "$@"\n`,
      );
      await chmod(program, 0o755);
    }),
    // Whoever opens it has logged in and agreed, at once.
    writeFile(path("bin/browser"), '#!/bin/sh\ncurl -sSL --insecure -o /dev/null "$1" &\n', { mode: 0o755 }),
    // A page may put programs of its own beside these.
    ...["bin/vault-cli", "bin/vault-server", "packages", "package.json", "scripts", "demo", "docker"].map(
      (name) => symlink(join(ROOT, name), join(home, name)),
    ),
  ]);
  const modules = join(home, "node_modules");
  await mkdir(modules);
  await linkPackages(modules);
  const internet = spawn(
    "unshare",
    ["--net", "--mount", "--", process.execPath, INTERNET, directory.path, SECRET],
    { env: cleanEnvironment(), stdio: ["ignore", "ignore", "pipe", "ipc"] },
  );
  const received: { host: string; method: string; target: string }[] = [];
  await new Promise<void>((resolve, reject) => {
    let complaints = "";
    internet.stderr?.on("data", (chunk: Buffer) => (complaints += chunk.toString()));
    internet.once("exit", () => reject(new Error(`the stub ended: ${complaints}`)));
    internet.on("message", (message: { ready?: true; received?: (typeof received)[number] }) => {
      if (message.received !== undefined) received.push(message.received);
      if (message.ready === true) resolve();
    });
  });
  const inside = ["nsenter", "--target", String(internet.pid), "--net", "--mount", `--wd=${home}`, "--"];
  const answers = recordAnswers();
  const environment = cleanEnvironment({
    // However a page starts a server: as a program, by `vault-cli up`, by npm.
    ...answers.inheritedEnvironment,
    NODE_OPTIONS: `${answers.inheritedEnvironment.NODE_OPTIONS ?? ""} --import=${QUICK}`,
    HOME: home,
    PATH: `${path("bin")}:${ROOT}packages/python-sdk/.venv/bin:${process.env.PATH ?? ""}`,
    LANG: "C.UTF-8",
    TERM: "xterm-256color",
    // For the vault alone, as a machine's own authorities would be: no block speaks to an API but through it.
    SECRET,
    PASSWORD,
    BROWSER: path("bin/browser"),
    NODE_EXTRA_CA_CERTS: certificates.caPath,
    npm_config_update_notifier: "false",
  });
  const children: ChildProcess[] = [];
  let scripts = 0;
  const scriptFile = async (script: string, as: Shell = "owner"): Promise<string> => {
    const file = path(`script-${String((scripts += 1))}.sh`);
    const prologue = `set -e -o pipefail; shopt -s expand_aliases; cd "$HOME"; . "${path(as)}"\n`;
    await writeFile(file, `${prologue}${script}\n{ declare -px; declare -pf; alias -p; } >"${path(as)}"\n`);
    return file;
  };
  const program: PageWorld["program"] = async (command, extra = {}) => {
    const [name = "", ...rest] = [...inside, ...command];
    try {
      const { stdout, stderr } = await promisify(execFile)(name, rest, {
        env: { ...environment, ...extra },
        timeout: BLOCK_MS,
      });
      return { code: 0, output: stdout + stderr };
    } catch (error) {
      const {
        code,
        stdout = "",
        stderr = "",
      } = error as { code?: unknown; stdout?: string; stderr?: string };
      return { code: typeof code === "number" ? code : 1, output: stdout + stderr };
    }
  };
  return {
    caPath: certificates.caPath,
    home,
    received,
    shell: async (script, as) =>
      program(["python3", TERMINAL, PASSWORD, SECRET, "bash", await scriptFile(script, as)]),
    async background(script, until) {
      const child = spawn(inside[0] ?? "", [...inside.slice(1), "bash", await scriptFile(script)], {
        env: environment,
        stdio: ["ignore", "pipe", "pipe"],
      });
      children.push(child);
      let output = "";
      await new Promise<void>((resolve, reject) => {
        const timer = setTimeout(() => reject(new Error(`it does not say “${until}”:\n${output}`)), BLOCK_MS);
        const look = (chunk: Buffer): void => {
          output += chunk.toString();
          if (!output.includes(until)) return;
          clearTimeout(timer);
          resolve();
        };
        child.stdout.on("data", look);
        child.stderr.on("data", look);
        child.once("exit", (code) => reject(new Error(`it ended with ${String(code)}:\n${output}`)));
      });
    },
    program,
    async close() {
      for (const child of children) child.kill("SIGTERM");
      for (const child of children) {
        if (child.exitCode === null && child.signalCode === null) await once(child, "exit");
      }
      await endAllBeside(internet);
      const ended = once(internet, "exit");
      internet.disconnect();
      await ended;
      await certificates.remove();
      await directory.remove();
      await answers.check();
    },
  };
}

/** Ends whatever is in that process's network namespace: `vault-cli up` leaves a server behind, as it should. */
async function endAllBeside({ pid }: ChildProcess): Promise<void> {
  const networkOf = (id: string | number): Promise<string> =>
    readlink(`/proc/${String(id)}/ns/net`).catch(() => "");
  const network = await networkOf(pid ?? 0);
  // Never those of this machine's own network.
  if (network === "" || network === (await networkOf("self"))) return;
  for (const id of await readdir("/proc")) {
    if (!/^\d+$/.test(id) || Number(id) === pid || (await networkOf(id)) !== network) continue;
    // It may have ended meanwhile.
    try {
      process.kill(Number(id), "SIGKILL");
    } catch {
      continue;
    }
  }
}

/** The last token that was printed, which a page writes as `tok_…`. */
export function lastToken(output: string): string | undefined {
  return output.match(/tok_[A-Za-z0-9_-]{43}/g)?.at(-1);
}
