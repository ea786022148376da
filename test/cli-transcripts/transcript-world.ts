import { generateKeyPairSync } from "node:crypto";
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { cli, startServer, temporaryDirectory, type RunningServer } from "../live/processes.js";
import { makeCertificates, startUpstream } from "../live/tls-upstream.js";
import { freePorts } from "../real-servers/loopback-ports.js";
import { startSshd } from "../real-servers/openssh.js";
import { cliInProcess } from "./in-process-cli.js";
import { fillIn, normalise } from "./normalise.js";
import { shellWords, type Outcome, type Step } from "./transcript.js";

/** More than a stored file, or the body of a call, may have. */
const LARGE_BYTES = 11 * 1024 * 1024;
/** More than a secret, or the input of a command at a server, may have. */
const LONG_LINE_BYTES = 1024 * 1024;
/** As large as a vault of the Go server can be, which has no form of its own. */
const FOREIGN_VAULT_BYTES = 256;
const LOCK_OF_ANOTHER_HOST = {
  ...{ pid: 1, start_time: "1", boot_id: "of another host", pid_namespace: "pid:[1]" },
  nonce: "0123456789abcdef0123456789abcdef",
};
/** A vault takes one attempt a second. */
const UNLOCK_PAUSE_MS = 1_100;
const TRIES_PASSWORD = /vault-cli (?:unlock|password|vault recovery-key)/;

/** One built server, an API, an SSH server and a home directory, for all transcripts one after the other. */
export interface TranscriptWorld {
  readonly server: RunningServer;
  /** Runs a command line, and gives what came of it, normalised. */
  run(step: Step): Promise<Outcome>;
  close(): Promise<void>;
}

export async function startTranscriptWorld(): Promise<TranscriptWorld> {
  const directory = await temporaryDirectory();
  const path = (name: string): string => join(directory.path, name);
  const certificates = await makeCertificates();
  const upstream = await startUpstream(certificates, (request, response, body) => {
    if (request.url === "/slow") return;
    response.statusCode = statusOf(request.url ?? "", body);
    response.setHeader("Content-Type", "application/json");
    if (response.statusCode === 302) response.setHeader("Location", "/things/moved");
    response.end(`${JSON.stringify(answerOf(request.method, request.url, body, upstream.origin))}\n`);
  });
  const sshd = await startSshd({ login: "password" });
  const home = path("home");
  await mkdir(home, { mode: 0o700 });
  await writeFile(path("notes.txt"), "the content of a file\n");
  await writeFile(path("large.bin"), Buffer.alloc(LARGE_BYTES, "x"));
  await writeFile(path("broken.json"), "{ this is no JSON");
  await writeFile(path("client.secret"), "secret-of-a-client\n", { mode: 0o600 });
  await writeFile(path("encrypted.pem"), encryptedKey(), { mode: 0o600 });
  await writeFile(path("wrong-policy.yaml"), "name: triage\nrules: none\n");
  await writeFile(path("bytes.bin"), Uint8Array.of(0xff, 0xfe));
  await mkdir(path("odd/.vault-proxy/session"), { recursive: true });
  await makeDataDirectory(path("damaged"), "VLTPRX1\n and no header");
  await makeDataDirectory(path("unclear"), "what no program of this project wrote");
  await makeDataDirectory(path("foreign"), Buffer.alloc(FOREIGN_VAULT_BYTES, 0x9d));
  await makeDataDirectory(path("held-elsewhere"), "", { lock: LOCK_OF_ANOTHER_HOST });
  await mkdir(path("folder-as-vault/vault.enc"), { recursive: true });
  await writeSessionOf(path("careless"), "tok_of-whom\n", 0o644);
  await writeSessionOf(path("forgetful"), "", 0o600);
  const server = await startServer({ derivation: "real", dataDir: path("data") });
  const values = new Map<string, string>([
    ["home", home],
    ["dir", directory.path],
    ["addr", server.address],
    ["laptop", `http://127.0.0.1:${String((await freePorts(1))[0] ?? 0)}`],
    ["upstream", upstream.origin],
    ["ca", certificates.caPath],
    ["ssh-home", sshd.home],
    ["ssh-port", String(sshd.port)],
    ["ssh-user", sshd.user],
    ["ssh-password", sshd.password],
    ["long-line", "x".repeat(LONG_LINE_BYTES)],
    ["host-key", sshd.hostKeys()[0]?.publicLine.split(" ").slice(0, 2).join(" ") ?? ""],
  ]);
  let lastUnlock = 0;

  return {
    server,
    async run(step) {
      const words = shellWords(step.command).map((word) => fillIn(word, values));
      const assigned = words.findIndex((word) => !/^[A-Z_]+=/.test(word));
      const env = Object.fromEntries(
        words.slice(0, assigned).map((word) => {
          const at = word.indexOf("=");
          return [word.slice(0, at), word.slice(at + 1)];
        }),
      );
      const [program, ...args] = words.slice(assigned);
      if (program === "sleep") {
        await sleep(Number(args[0]) * 1000);
        return { code: 0, stdout: "", stderr: "" };
      }
      if (program !== "vault-cli") throw new Error(`a transcript runs vault-cli, not ${String(program)}`);
      const triesPassword = TRIES_PASSWORD.test(step.command);
      if (triesPassword) await sleep(Math.max(0, lastUnlock + UNLOCK_PAUSE_MS - Date.now()));
      const stdin = step.input.map((line) => `${fillIn(line, values)}\n`).join("");
      const surroundings = { stdin, env: { HOME: home, TZ: "UTC", VAULT_ADDR: server.address, ...env } };
      const { interruptAfterLines, shown } = step;
      const result =
        needsProcess(args, step) || env.NODE_EXTRA_CA_CERTS !== undefined
          ? await cli(args, { ...surroundings, interruptAfterLines })
          : await cliInProcess(args, surroundings);
      if (triesPassword) lastUnlock = Date.now();
      for (const { key, pattern } of step.captures) {
        const found = new RegExp(pattern).exec(result.stdout)?.[1];
        if (found === undefined)
          throw new Error(`${step.command}: nothing fits ${pattern}:\n${result.stdout}${result.stderr}`);
        values.set(key, found);
      }
      return {
        code: result.code,
        stdout: normalise(linesThatFit(result.stdout, shown), values),
        stderr: normalise(result.stderr, values),
      };
    },
    async close() {
      await server.stop();
      await upstream.close();
      await sshd.stop();
      await certificates.remove();
      await directory.remove();
    },
  };
}

function encryptedKey(): string {
  const { privateKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
  const encoding = { cipher: "aes-256-cbc", passphrase: "a passphrase" };
  return privateKey.export({ type: "pkcs8", format: "pem", ...encoding }) as string;
}

async function makeDataDirectory(
  directory: string,
  vault: string | Uint8Array,
  { lock }: { readonly lock?: object } = {},
): Promise<void> {
  await mkdir(directory, { mode: 0o700 });
  await writeFile(join(directory, "vault.enc"), vault, { mode: 0o600 });
  if (lock !== undefined) await writeFile(join(directory, "vault.lock"), JSON.stringify(lock));
}

async function writeSessionOf(home: string, text: string, mode: number): Promise<void> {
  await mkdir(join(home, ".vault-proxy"), { recursive: true, mode: 0o700 });
  await writeFile(join(home, ".vault-proxy", "session"), text, { mode });
}

function linesThatFit(text: string, pattern: string | undefined): string {
  if (pattern === undefined) return text;
  const lines = text.split("\n").filter((line) => new RegExp(pattern).test(line));
  return lines.map((line) => `${line}\n`).join("");
}

/** Commands that give their input and output to another program, start one that outlives them, or end by a signal. */
function needsProcess(args: readonly string[], { interruptAfterLines }: Step): boolean {
  if (interruptAfterLines !== undefined) return true;
  return /^(?:run|up|down)$/.test(args[0] ?? "") || args.includes("--");
}

function statusOf(url: string, body: Buffer): number {
  if (url === "/token" && isDevice(body)) return 400;
  if (url === "/token/revoked") return 400;
  if (url === "/token/failing") return 500;
  return Number(/^\/status\/(\d+)/.exec(url)?.[1] ?? 200);
}

/** The provider of logins, and of any other call which it was. */
function answerOf(method = "", url = "", body: Buffer, origin: string): object {
  // Nobody types the code, however long the transcripts take.
  if (url === "/token" && isDevice(body)) return { error: "authorization_pending" };
  if (url === "/token")
    return { access_token: "access-of-the-login", refresh_token: "refresh", expires_in: 3600 };
  if (url === "/token/revoked") return { error: "invalid_grant" };
  if (url === "/device") {
    const code = { device_code: "the-device-code", user_code: "ABCD-EFGH", interval: 5 };
    return { ...code, verification_uri: `${origin}/activate`, expires_in: 600 };
  }
  return { method, path: url, ...(body.length === 0 ? {} : { body: body.toString() }) };
}

function isDevice(body: Buffer): boolean {
  return body.includes("device_code");
}
