import { execFile, spawn, spawnSync, type ChildProcess } from "node:child_process";
import { existsSync, mkdirSync, readFileSync, realpathSync, rmdirSync } from "node:fs";
import { appendFile, cp, mkdir, mkdtemp, readdir, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify, stripVTControlCharacters } from "node:util";

/*
 * A Debian with systemd, Docker and Podman inside of this one: a root file system made by mmdebstrap, booted in namespaces of its
 * own. It shares the kernel and nothing else. Needs root, and a kernel with overlayfs, bridges and nftables.
 */

const run = promisify(execFile);
const BOOT = fileURLToPath(new URL("./debian-machine.sh", import.meta.url));
const TERMINAL = fileURLToPath(new URL("../docs/terminal.py", import.meta.url));
const REPOSITORY = fileURLToPath(new URL("../../", import.meta.url));
/** That of the image's base. */
const SUITE = "trixie";
const CERTIFICATES = "/etc/ssl/certs/ca-certificates.crt";
const PACKAGES = [
  ...["systemd", "systemd-sysv", "dbus", "iproute2", "procps", "iptables", "ca-certificates", "curl", "git"],
  ...["docker.io", "docker-cli", "docker-compose", "docker-buildx"],
  ...["podman", "crun", "uidmap", "passt", "slirp4netns", "dbus-user-session", "libpam-systemd"],
];
const CGROUPS = ["/sys/fs/cgroup/unified", "/sys/fs/cgroup"];
const BOOT_MS = 60_000;
const END_MS = 10_000;
const LARGEST_OUTPUT = 64 * 1024 * 1024;
/** `ann` has a service manager and a podman of her own; both have a clone of the sources, where their scripts begin. */
const USERS = {
  root: { home: "/root", become: [] },
  ann: { home: "/home/ann", become: ["runuser", "--user", "ann", "--"] },
} as const;
const ANNS_ID = 1000;
/** slirp4netns(1): itself, and the name server that it is for who is inside. */
const NAME_SERVER = "10.0.2.3";

export interface Ran {
  readonly code: number;
  /** Both streams; of a terminal, without its escape sequences. */
  readonly output: string;
}

type User = keyof typeof USERS;

export interface Machine {
  /** A bash script of root's, or of another user. */
  shell(script: string, as?: User): Promise<Ran>;
  /** The same in a terminal in which somebody types these wherever they are asked for. */
  typed(
    script: string,
    typed: { readonly password: string; readonly secret: string },
    as?: User,
  ): Promise<Ran>;
  /** Another commit in the repository that the clone came from. */
  commit(file: string, line: string): Promise<void>;
  /** Nothing leaves the machine from now on. */
  cutNetwork(): void;
  close(): Promise<void>;
}

/** @throws Error when the machine does not come up, with what it said */
export async function startMachine(): Promise<Machine> {
  const directory = await mkdtemp(join(tmpdir(), "vault-proxy-machine-"));
  const root = join(directory, "root");
  const closers: (() => Promise<void> | void)[] = [() => rm(directory, { recursive: true, force: true })];
  const close = async (): Promise<void> => {
    for (const closer of closers.reverse()) await closer();
  };
  try {
    await makeRoots(directory);
    const cgroup = makeCgroup();
    closers.push(() => removeCgroup(cgroup));
    const { pid, end } = await boot(root, cgroup);
    closers.push(end);
    const network = joinNetwork(pid);
    closers.push(() => void network.kill("SIGKILL"));

    const inside = ["--target", String(pid), "--mount", "--pid", "--net", "--uts", "--ipc", "--cgroup"];
    const trust = [`NODE_EXTRA_CA_CERTS=${CERTIFICATES}`, `SSL_CERT_FILE=${CERTIFICATES}`];
    const enter = (script: string, as: User = "root"): string[] => {
      const { home, become } = USERS[as];
      const environment = [`HOME=${home}`, "PATH=/usr/sbin:/usr/bin:/sbin:/bin", "TERM=xterm", ...trust];
      if (as === "ann") environment.push(`XDG_RUNTIME_DIR=/run/user/${ANNS_ID}`);
      const begin = `cd ${home}/vault-proxy 2>/dev/null || cd /\n`;
      const program = [...become, "env", "-i", ...environment, "bash", "-c", begin + script];
      return [...inside, "--root", "--wd", "--", ...program];
    };
    const shell: Machine["shell"] = (script, as) => ran("nsenter", enter(script, as));
    const must = async (script: string, as?: User): Promise<void> => {
      const { code, output } = await shell(script, as);
      if (code !== 0) throw new Error(`${script}\n${output}`);
    };
    await must("until ip route | grep -q default; do sleep 0.1; done");
    await must(`useradd --create-home --uid ${ANNS_ID} --shell /bin/bash ann && loginctl enable-linger ann`);
    await must("git clone --quiet /srv/origin ~/vault-proxy");
    await must("cp --recursive ~/vault-proxy /home/ann && chown --recursive ann: /home/ann");
    const { output: image } = await shell("sed -n 's/^ARG NODE_IMAGE=//p' docker/Dockerfile");
    const variables = trust.map((variable) => `--change "ENV ${variable}"`).join(" ");
    await must("until docker version >/dev/null 2>&1; do sleep 0.1; done");
    await must(`tar --directory /srv/base --create . | docker import ${variables} - ${image.trim()}`);
    await must(`docker save ${image.trim()} >/srv/base.tar && rm -r /srv/base`);
    await must("podman load --quiet --input /srv/base.tar", "ann");
    return {
      shell,
      typed: (script, { password, secret }, as) =>
        ran("python3", [TERMINAL, password, secret, "nsenter", ...enter(script, as)]),
      async commit(file, line) {
        await appendFile(join(root, "srv/origin", file), `${line}\n`);
        await git(join(root, "srv/origin"), "commit", "--quiet", "--all", "--message", line);
      },
      cutNetwork: () => void network.kill("SIGKILL"),
      close,
    };
  } catch (error) {
    await close();
    throw error;
  }
}

/** Below `directory`: `root`, a Debian with all packages, in which /srv has the repository and a base for its image. */
async function makeRoots(directory: string): Promise<void> {
  const [root, base] = [join(directory, "root"), join(directory, "base")];
  const quiet = { maxBuffer: LARGEST_OUTPUT };
  const small = ["--variant=minbase", "--include=ca-certificates,libstdc++6"];
  await run("mmdebstrap", ["--quiet", ...small, SUITE, base], quiet);
  // Those of this machine know who may stand between it and a registry.
  await cp(CERTIFICATES, join(base, CERTIFICATES));
  await copyNode(join(base, "usr/local"));

  await run("cp", ["--archive", base, root]);
  await copyNode(join(root, "usr"));
  await rm(join(root, "usr/local/bin/node"));
  await cp("/etc/resolv.conf", join(root, "etc/resolv.conf"));
  const install = [
    "install",
    "-y",
    "-q",
    "--no-install-recommends",
    "-o",
    "Dpkg::Options::=--force-unsafe-io",
  ];
  const environment = { PATH: "/usr/sbin:/usr/bin:/sbin:/bin", DEBIAN_FRONTEND: "noninteractive" };
  for (const args of [
    ["update", "-q"],
    [...install, ...PACKAGES],
  ]) {
    await run("chroot", [root, "apt-get", ...args], { ...quiet, env: environment });
  }
  await writeFile(join(root, "etc/resolv.conf"), `nameserver ${NAME_SERVER}\n`);
  await cp(CERTIFICATES, join(root, CERTIFICATES));
  await run("mv", [base, join(root, "srv/base")]);
  await copyRepository(join(root, "srv/origin"));
}

/** The Node that runs this, with its npm, as a package of Debian or its image would lay them out below `prefix`. */
async function copyNode(prefix: string): Promise<void> {
  const npm = realpathSync((await run("sh", ["-c", "command -v npm"])).stdout.trim());
  await mkdir(join(prefix, "lib/node_modules"), { recursive: true });
  await cp(process.execPath, join(prefix, "bin/node"));
  await cp(dirname(dirname(npm)), join(prefix, "lib/node_modules/npm"), { recursive: true });
  for (const program of ["npm", "npx"]) {
    await symlink(`../lib/node_modules/npm/bin/${program}-cli.js`, join(prefix, "bin", program));
  }
}

/** What git knows of the sources as they are now, in a repository of one commit. */
async function copyRepository(target: string): Promise<void> {
  const listed = await run("git", ["-C", REPOSITORY, "ls-files", "-z", "--cached"], {
    maxBuffer: LARGEST_OUTPUT,
  });
  for (const file of listed.stdout
    .split("\0")
    .filter((name) => existsSync(join(REPOSITORY, name)) && name !== "")) {
    await cp(join(REPOSITORY, file), join(target, file));
  }
  await git(target, "init", "--quiet");
  await git(target, "add", "--all");
  await git(target, "commit", "--quiet", "--message", "the sources");
}

async function git(directory: string, ...args: readonly string[]): Promise<void> {
  const author = ["-c", "user.name=machine", "-c", "user.email=machine@example.com"];
  await run("git", ["-C", directory, ...author, ...args]);
}

function makeCgroup(): string {
  const parent = CGROUPS.find((path) => existsSync(join(path, "cgroup.controllers")));
  if (parent === undefined) throw new Error("no cgroup2 is mounted");
  const path = join(parent, `vault-proxy-machine-${process.pid}`);
  mkdirSync(path);
  return path;
}

/** With all groups that systemd made in it, as soon as nothing runs in any: processes end a moment after their kill. */
async function removeCgroup(path: string): Promise<void> {
  for (const entry of await readdir(path, { withFileTypes: true })) {
    if (entry.isDirectory()) await removeCgroup(join(path, entry.name));
  }
  const deadline = Date.now() + END_MS;
  for (;;) {
    try {
      rmdirSync(path);
      return;
    } catch (error) {
      if (Date.now() > deadline) throw error;
    }
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

async function boot(root: string, cgroup: string): Promise<{ pid: number; end: () => Promise<void> }> {
  const namespaces = ["--mount", "--pid", "--fork", "--kill-child", "--net", "--uts", "--ipc", "--cgroup"];
  const script = 'echo $$ >"$0/cgroup.procs"; exec unshare "$@"';
  const child = spawn("sh", ["-c", script, cgroup, ...namespaces, "bash", BOOT, root], {
    stdio: ["ignore", "pipe", "pipe"],
  });
  let log = "";
  child.stdout.on("data", (chunk: Buffer) => (log += chunk.toString()));
  child.stderr.on("data", (chunk: Buffer) => (log += chunk.toString()));
  const ended = new Promise<void>((resolve) => child.once("close", () => resolve()));
  const end = async (): Promise<void> => {
    child.kill("SIGKILL");
    await ended;
  };
  const deadline = Date.now() + BOOT_MS;
  for (;;) {
    const pid = Number(childrenOf(child.pid ?? 0)[0] ?? 0);
    const { stdout } = spawnSync("nsenter", [
      ...["--target", String(pid), "--mount", "--pid", "--ipc", "--cgroup", "--root", "--wd", "--"],
      ...["systemctl", "is-system-running"],
    ]);
    if (pid !== 0 && /^(running|degraded)$/m.test(stdout.toString())) return { pid, end };
    if (Date.now() > deadline || child.exitCode !== null) {
      await end();
      throw new Error(`the machine does not boot:\n${log}`);
    }
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}

function childrenOf(pid: number): string[] {
  const path = `/proc/${pid}/task/${pid}/children`;
  return existsSync(path) ? readFileSync(path, "utf8").trim().split(" ").filter(Boolean) : [];
}

/** Calls out as this process would, by programs here: nothing of this machine's network is changed. */
function joinNetwork(pid: number): ChildProcess {
  return spawn("slirp4netns", ["--configure", "--mtu=65520", String(pid), "tap0"], { stdio: "ignore" });
}

async function ran(command: string, args: readonly string[]): Promise<Ran> {
  const child = spawn(command, args, { stdio: ["ignore", "pipe", "pipe"] });
  let output = "";
  child.stdout.on("data", (chunk: Buffer) => (output += chunk.toString()));
  child.stderr.on("data", (chunk: Buffer) => (output += chunk.toString()));
  const code = await new Promise<number>((resolve) => child.once("close", (status) => resolve(status ?? -1)));
  return { code, output: stripVTControlCharacters(output) };
}
