import { execFile } from "node:child_process";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { appendFile, chmod, mkdir, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { temporaryDirectory } from "../live/processes.js";
import { makeLoginUser, type LoginUser } from "./login-user.js";
import { freePorts } from "./loopback-ports.js";
import { startServerProcess, type ServerProcess } from "./server-process.js";
import { makeSshKeyFile, readSshPublicKey, type SshKeyType, type SshPublicKey } from "./ssh-keys.js";
import { isRoot } from "./unix-user.js";

const run = promisify(execFile);

/** It starts itself again for each connection, hence the whole path. */
const SSHD = "/usr/sbin/sshd";
const SFTP_SERVER = "/usr/lib/openssh/sftp-server";
/** Compiled in: a folder that is empty and root's. Debian makes it at each start of the machine. */
const PRIVILEGE_SEPARATION = "/run/sshd";

const HOST = "127.0.0.1";
const RESTART_MS = 5_000;
const POLL_MS = 5;

/** What modern clients refuse, beside what is offered anyway. */
const LEGACY_ALGORITHMS = {
  KexAlgorithms: "+diffie-hellman-group1-sha1,diffie-hellman-group14-sha1,diffie-hellman-group-exchange-sha1",
  HostKeyAlgorithms: "+ssh-rsa",
  PubkeyAcceptedAlgorithms: "+ssh-rsa",
  Ciphers: "+aes128-cbc,aes256-cbc,3des-cbc",
  MACs: "+hmac-sha1,hmac-md5,hmac-sha1-96",
} as const;

/** How the one user logs in; the server offers nothing else. */
export type SshLogin = "key" | "password" | "keyboard-interactive" | "key-or-password";

export interface SshdOptions {
  /** Default: `key`. */
  readonly login?: SshLogin;
  /** Lines of authorized_keys, such as {@link SshPublicKey.publicLine}, with options before them or not. */
  readonly authorizedKeys?: readonly string[];
  /** Default: random. */
  readonly password?: string;
  /** The user's shell; default: `/bin/sh`. */
  readonly shell?: string;
  /** Run instead of whatever is asked for, SFTP included; that stands in `SSH_ORIGINAL_COMMAND`. */
  readonly forcedCommand?: string;
  /** Channels of one connection; sshd's own default is 10. */
  readonly maxSessions?: number;
  /** Default: `ed25519` alone. */
  readonly hostKeyTypes?: readonly SshKeyType[];
  /** Default: true. */
  readonly sftp?: boolean;
  /** Takes SHA-1, CBC and Diffie-Hellman group 1 too, or nothing else. */
  readonly legacyAlgorithms?: "too" | "only";
  /** More of sshd_config(5), which goes before all else. */
  readonly settings?: Readonly<Record<string, string>>;
}

export interface RunningSshd {
  readonly host: "127.0.0.1";
  readonly port: number;
  readonly pid: number;
  /** The one who may log in. */
  readonly user: string;
  readonly password: string;
  readonly uid: number;
  readonly gid: number;
  /** The user's own folder, empty at first. */
  readonly home: string;
  readonly hostKeys: () => readonly SshPublicKey[];
  /** At level VERBOSE. */
  readonly log: () => string;
  /** How many have come since the start. */
  readonly connectionCount: () => number;
  /** Process ids of what the user runs now, without what sshd itself runs as the user. */
  readonly commands: () => number[];
  /** A line more of authorized_keys. */
  authorize(line: string): Promise<void>;
  /** Makes new host keys, of other types if named, and shows them from the next connection on. */
  replaceHostKeys(types?: readonly SshKeyType[]): Promise<void>;
  /** Ends the server with all connections, and starts it on the same port. */
  restart(): Promise<void>;
  /** Ends connections and the user's processes too. */
  stop(): Promise<void>;
}

/** An OpenSSH server on a port of 127.0.0.1 with a user of its own. Needs root. */
export async function startSshd(options: SshdOptions = {}): Promise<RunningSshd> {
  if (!isRoot()) throw new Error("sshd changes its user: this needs root");
  const directory = await temporaryDirectory();
  const path = (name: string): string => join(directory.path, name);
  let server: ServerProcess | undefined;
  let user: LoginUser | undefined;
  const endServer = async (): Promise<void> => {
    // Connections are no part of its process group, and would outlive it.
    const connections = server === undefined ? [] : descendantsOf(server.pid);
    await server?.stop("SIGKILL");
    for (const pid of connections) kill(pid);
  };
  const stop = async (): Promise<void> => {
    await endServer();
    await user?.remove();
    user = undefined;
    await directory.remove();
  };

  try {
    const { hostKeyTypes = ["ed25519"], authorizedKeys = [] } = options;
    await chmod(directory.path, 0o711);
    await mkdir(PRIVILEGE_SEPARATION, { recursive: true, mode: 0o755 });
    await mkdir(path("home"), { mode: 0o700 });
    await writeFile(path("authorized_keys"), authorizedKeys.map((line) => `${line}\n`).join(""));
    const owner = await makeLoginUser({
      home: path("home"),
      ...(options.password === undefined ? {} : { password: options.password }),
      ...(options.shell === undefined ? {} : { shell: options.shell }),
    });
    user = owner;
    const [port] = await freePorts(1);
    if (port === undefined) throw new Error("no port");

    let hostKeys: readonly SshPublicKey[] = [];
    const configure = async (types: readonly SshKeyType[]): Promise<void> => {
      const files = types.map((type) => path(`host_${type}`));
      for (const [index, type] of types.entries()) {
        const file = files[index] ?? "";
        await Promise.all([rm(file, { force: true }), rm(`${file}.pub`, { force: true })]);
        await makeSshKeyFile(file, { type });
      }
      hostKeys = await Promise.all(files.map(readSshPublicKey));
      const hostKeyLines = files.map((file) => `HostKey ${file}\n`).join("");
      const settings = await configuration(options, {
        Port: String(port),
        AllowUsers: owner.name,
        AuthorizedKeysFile: path("authorized_keys"),
      });
      await writeFile(path("sshd_config"), hostKeyLines + settings);
    };
    await configure(hostKeyTypes);
    const listening = (log: string): number => log.split("Server listening on").length - 1;
    const start = async (): Promise<ServerProcess> => {
      const before = existsSync(path("server.log")) ? listening(readFileSync(path("server.log"), "utf8")) : 0;
      return startServerProcess({
        command: SSHD,
        args: ["-D", "-e", "-f", path("sshd_config")],
        cwd: directory.path,
        // To ask by a connection would count as one.
        isReady: (log) => listening(log) > before,
      });
    };
    let running = await start();
    server = running;

    return {
      host: HOST,
      port,
      get pid() {
        return running.pid;
      },
      user: owner.name,
      password: owner.password,
      uid: owner.uid,
      gid: owner.gid,
      home: owner.home,
      hostKeys: () => hostKeys,
      log: () => running.log(),
      connectionCount: () => running.log().split("Connection from ").length - 1,
      commands: () => owner.processes().filter((pid) => !isSshd(pid)),
      authorize: (line) => appendFile(path("authorized_keys"), `${line}\n`),
      async replaceHostKeys(types = hostKeyTypes) {
        await configure(types);
        const before = listening(running.log());
        const deadline = Date.now() + RESTART_MS;
        process.kill(running.pid, "SIGHUP");
        while (listening(running.log()) === before) {
          if (Date.now() > deadline) throw new Error(`sshd does not start again:\n${running.log()}`);
          await new Promise((resolve) => setTimeout(resolve, POLL_MS));
        }
      },
      async restart() {
        await endServer();
        running = await start();
        server = running;
      },
      stop,
    };
  } catch (error) {
    await stop();
    throw error;
  }
}

/** sshd_config(5), where the first value of a setting counts. */
async function configuration(
  options: SshdOptions,
  settings: Readonly<Record<string, string>>,
): Promise<string> {
  const all = {
    ...options.settings,
    ...settings,
    ListenAddress: HOST,
    PidFile: "none",
    LogLevel: "VERBOSE",
    // Folders for temporary files are everybody's.
    StrictModes: "no",
    UseDNS: "no",
    PrintMotd: "no",
    PrintLastLog: "no",
    // Many tests come from one address at once, and give wrong passwords on purpose.
    MaxStartups: "1000",
    ...((await hasPenalties()) ? { PerSourcePenalties: "no" } : {}),
    ...loginSettings(options.login ?? "key"),
    ...(options.forcedCommand === undefined ? {} : { ForceCommand: options.forcedCommand }),
    ...(options.maxSessions === undefined ? {} : { MaxSessions: String(options.maxSessions) }),
    ...(options.sftp === false ? {} : { Subsystem: `sftp ${SFTP_SERVER}` }),
    ...legacySettings(options.legacyAlgorithms),
    ...options.settings,
  };
  return Object.entries(all)
    .map(([name, value]) => `${name} ${value}\n`)
    .join("");
}

function loginSettings(login: SshLogin): Record<string, string> {
  const yes = (is: boolean): string => (is ? "yes" : "no");
  return {
    PubkeyAuthentication: yes(login === "key" || login === "key-or-password"),
    PasswordAuthentication: yes(login === "password" || login === "key-or-password"),
    KbdInteractiveAuthentication: yes(login === "keyboard-interactive"),
    // Only PAM asks questions; without it, the password is looked up in shadow(5).
    UsePAM: yes(login === "keyboard-interactive"),
  };
}

function legacySettings(legacy: SshdOptions["legacyAlgorithms"]): Record<string, string> {
  if (legacy === undefined) return {};
  return Object.fromEntries(
    Object.entries(LEGACY_ALGORITHMS).map(([name, value]) => [
      name,
      legacy === "only" ? value.slice("+".length) : value,
    ]),
  );
}

/** Since OpenSSH 9.8, an address that often fails to log in is refused for a while. */
async function hasPenalties(): Promise<boolean> {
  const { stderr } = await run("ssh", ["-V"]);
  const [, major = "0", minor = "0"] = /^OpenSSH_(\d+)\.(\d+)/.exec(stderr) ?? [];
  return Number(major) > 9 || (Number(major) === 9 && Number(minor) >= 8);
}

/** sshd gives part of its own work to the user's rights; it names itself so that ps(1) shows the user. */
function isSshd(pid: number): boolean {
  try {
    return readFileSync(`/proc/${pid}/comm`, "utf8").startsWith("sshd");
  } catch {
    return true;
  }
}

function descendantsOf(ancestor: number): number[] {
  const parents = new Map<number, number>();
  for (const name of readdirSync("/proc")) {
    const parent = /^\d+$/.test(name) ? parentOf(name) : undefined;
    if (parent !== undefined) parents.set(Number(name), parent);
  }
  const isDescendant = (pid: number): boolean => {
    const parent = parents.get(pid);
    return parent !== undefined && (parent === ancestor || isDescendant(parent));
  };
  return [...parents.keys()].filter(isDescendant);
}

/** proc(5): the fourth field; the second, in brackets, may hold blanks. */
function parentOf(pid: string): number | undefined {
  try {
    const fields = readFileSync(`/proc/${pid}/stat`, "utf8").split(") ").at(-1)?.split(" ");
    return fields === undefined ? undefined : Number(fields[1]);
  } catch {
    return undefined;
  }
}

function kill(pid: number): void {
  try {
    process.kill(pid, "SIGKILL");
  } catch {
    // It has ended.
  }
}
