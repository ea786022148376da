import { execFile } from "node:child_process";
import { randomBytes } from "node:crypto";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import type { UnixUser } from "./server-process.js";

const run = promisify(execFile);

/** useradd(8) waits whole seconds where another one is at work, flock(1) only as long as that takes. */
const LOCK = join(tmpdir(), "vault-proxy-test-users.lock");
/** The process that made a user stands in its name, so that those of a killed one can be told. */
const NAME = /^vptest(\d+)x[0-9a-f]+$/;
const END_MS = 5_000;
const POLL_MS = 10;

/** A user of this machine who may log in, made for one test. */
export interface LoginUser extends UnixUser {
  readonly name: string;
  readonly home: string;
  readonly password: string;
  /** Ids of the processes that are the user's now. */
  processes(): number[];
  /** Ends the user's processes and takes the user away, but not what is in the home folder. */
  remove(): Promise<void>;
}

export interface LoginUserOptions {
  /** An empty folder that exists; it becomes the user's. */
  readonly home: string;
  /** Default: random. */
  readonly password?: string;
  /** Default: `/bin/sh`. */
  readonly shell?: string;
}

/** Makes a user by useradd(8). Needs root. */
export async function makeLoginUser(options: LoginUserOptions): Promise<LoginUser> {
  const { home, password = randomBytes(12).toString("base64url"), shell = "/bin/sh" } = options;
  await removeLeftUsers();
  const name = `vptest${process.pid}x${randomBytes(4).toString("hex")}`;
  await locked("useradd", "--no-create-home", "--no-log-init", "--home-dir", home, "--shell", shell, name);
  const id = async (flag: string): Promise<number> => Number((await run("id", [flag, name])).stdout);
  const [uid, gid] = await Promise.all([id("-u"), id("-g")]);

  const remove = async (): Promise<void> => {
    const deadline = Date.now() + END_MS;
    for (let left = processesOf(uid); left.length > 0; left = processesOf(uid)) {
      if (Date.now() > deadline) throw new Error(`processes of ${name} do not end: ${left.join(", ")}`);
      for (const pid of left) kill(pid);
      await new Promise((resolve) => setTimeout(resolve, POLL_MS));
    }
    await locked("userdel", name);
  };
  try {
    await setPassword(name, password);
    await run("chown", [`${uid}:${gid}`, home]);
  } catch (error) {
    await remove();
    throw error;
  }
  return { name, uid, gid, home, password, processes: () => processesOf(uid), remove };
}

function setPassword(name: string, password: string): Promise<unknown> {
  const changed = locked("chpasswd");
  changed.child.stdin?.end(`${name}:${password}\n`);
  return changed;
}

const locked = (command: string, ...args: string[]): ReturnType<typeof run> =>
  run("flock", [LOCK, command, ...args]);

/** Those that a killed test run has left. */
async function removeLeftUsers(): Promise<void> {
  for (const line of readFileSync("/etc/passwd", "utf8").split("\n")) {
    const [name = "", , uid = ""] = line.split(":");
    const maker = NAME.exec(name)?.[1];
    if (maker === undefined || existsSync(`/proc/${maker}`)) continue;
    for (const pid of processesOf(Number(uid))) kill(pid);
    // Another run may take it away at the same moment.
    await locked("userdel", "--force", name).catch(() => undefined);
  }
}

/** Those that run. One that has ended may stay in the list for as long as nobody asks how it ended. */
function processesOf(uid: number): number[] {
  return readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name) && isRunBy(uid, name))
    .map(Number);
}

/** The folder's owner would not do: it is root for processes that the kernel takes to be sensitive. */
function isRunBy(uid: number, pid: string): boolean {
  try {
    const status = readFileSync(`/proc/${pid}/status`, "utf8");
    return !/^State:\s+[ZX]/m.test(status) && Number(/^Uid:\s+(\d+)/m.exec(status)?.[1]) === uid;
  } catch {
    return false;
  }
}

function kill(pid: number): void {
  try {
    process.kill(pid, "SIGKILL");
  } catch {
    // It has ended.
  }
}
