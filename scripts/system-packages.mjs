/** The programs that the tests and the demo call, and the Debian packages that bring them. */
import { rm, writeFile } from "node:fs/promises";
import { run, ScriptError } from "./run-process.mjs";
import { keepUnconfigured } from "./unconfigured-packages.mjs";
import { say } from "./workspace.mjs";

/** @type {{ package: string, check: [string, string[]] }[]} */
const NEEDED = [
  // The tests of hostile web pages drive it without a window; they need no fonts and no D-Bus.
  { package: "chromium", check: ["chromium", ["--version"]] },
  // The same engine without what a window is for, where that does not matter.
  { package: "chromium-headless-shell", check: ["chromium-headless-shell", ["--version"]] },
  { package: "curl", check: ["curl", ["--version"]] },
  // The mail server that tests of sessions log in to, and the one that checks passwords for postfix.
  { package: "dovecot-imapd", check: ["sh", ["-c", "dovecot --version && test -x /usr/lib/dovecot/imap"]] },
  // The tests of durability make file systems, mount them, and let system calls fail.
  { package: "e2fsprogs", check: ["mkfs.ext4", ["-V"]] },
  // A shell that reads backslashes between single quotes: what is sent to servers must be quoted for it too.
  { package: "fish", check: ["fish", ["--version"]] },
  // A client of sessions that pages show, and what it reads addresses by.
  { package: "git-email", check: ["test", ["-x", "/usr/lib/git-core/git-send-email"]] },
  // The controls of the conformance tests, which start them themselves.
  { package: "haproxy", check: ["haproxy", ["-v"]] },
  // The tests of forbidden addresses make a network of their own.
  { package: "iproute2", check: ["ip", ["-V"]] },
  { package: "isync", check: ["mbsync", ["--version"]] },
  { package: "libmailtools-perl", check: ["perl", ["-MMail::Address", "-e", "1"]] },
  // swaks does without TLS where this is missing.
  { package: "libnet-ssleay-perl", check: ["perl", ["-MNet::SSLeay", "-e", "1"]] },
  { package: "mount", check: ["mount", ["--version"]] },
  // Clients of sessions that pages show, as offlineimap3 is.
  { package: "msmtp", check: ["msmtp", ["--version"]] },
  { package: "neomutt", check: ["neomutt", ["-v"]] },
  { package: "nginx", check: ["nginx", ["-v"]] },
  { package: "offlineimap3", check: ["offlineimap", ["--version"]] },
  { package: "openssh-client", check: ["sh", ["-c", "ssh -V && command -v sftp ssh-keygen"]] },
  // sshd itself knows no option that only tells its version, and wants the user that its package makes.
  { package: "openssh-server", check: ["sh", ["-c", "command -v sshd && id sshd"]] },
  { package: "openssh-sftp-server", check: ["test", ["-x", "/usr/lib/openssh/sftp-server"]] },
  { package: "openssl", check: ["openssl", ["version"]] },
  { package: "postfix", check: ["postconf", ["-d", "mail_version"]] },
  // Its server is not in the path: several versions may stand side by side. pgbench comes with it.
  {
    package: "postgresql",
    check: ["sh", ["-c", "ls /usr/lib/postgresql/*/bin/postgres && pgbench --version"]],
  },
  { package: "postgresql-client", check: ["psql", ["--version"]] },
  { package: "procps", check: ["ps", ["--version"]] },
  { package: "python3", check: ["python3", ["--version"]] },
  // Debian splits the module that makes virtual environments from the interpreter.
  { package: "python3-venv", check: ["python3", ["-c", "import ensurepip, venv"]] },
  { package: "redis-server", check: ["redis-server", ["--version"]] },
  { package: "redis-tools", check: ["redis-benchmark", ["--version"]] },
  // It knows no option that only tells its version.
  { package: "slowhttptest", check: ["sh", ["-c", "command -v slowhttptest"]] },
  { package: "strace", check: ["strace", ["--version"]] },
  { package: "swaks", check: ["swaks", ["--version"]] },
  // Its programs read the unit that docker/systemd has, and count what it exposes; it need not run.
  { package: "systemd", check: ["systemd-analyze", ["--version"]] },
  // The csh of Debian, which looks up history between quotes.
  { package: "tcsh", check: ["tcsh", ["--version"]] },
  // A terminal that tests can look at and resize.
  { package: "tmux", check: ["tmux", ["-V"]] },
  // The load of the bench. It tells its version, and then ends as if that were an error.
  { package: "wrk", check: ["sh", ["-c", "command -v wrk"]] },
  // The shells that completion is written for, beside fish.
  { package: "zsh", check: ["zsh", ["--version"]] },
];

/** For `npm run test:machine` alone. @type {typeof NEEDED} */
const NEEDED_FOR_MACHINE = [
  // Makes the root file system of a Debian from its packages.
  { package: "mmdebstrap", check: ["mmdebstrap", ["--version"]] },
  // A way out for a network namespace, by a program of this machine.
  { package: "slirp4netns", check: ["slirp4netns", ["--version"]] },
];

/** @throws {ScriptError} As `ensureSystemPackages` does. */
export function ensureMachinePackages() {
  return ensurePackages(NEEDED_FOR_MACHINE);
}

/**
 * Installs what is missing, as root on Debian and its relatives.
 *
 * @param {string[]} [packages] Which of the packages above; all by default.
 * @throws {ScriptError} Naming the packages, when they are missing and cannot be installed.
 */
export function ensureSystemPackages(packages = NEEDED.map((needed) => needed.package)) {
  return ensurePackages(NEEDED.filter((needed) => packages.includes(needed.package)));
}

/** @param {typeof NEEDED} wanted */
async function ensurePackages(wanted) {
  const missing = await missingOf(wanted);
  if (missing.length === 0) return;

  const names = missing.map((needed) => needed.package);
  const byHand = `Missing: ${names.join(", ")}. Install with: apt-get install ${names.join(" ")}`;
  if (process.getuid?.() !== 0) throw new ScriptError(`${byHand} (as root)`);
  say(`Installing ${names.join(", ")} …`);
  const quiet = { env: { DEBIAN_FRONTEND: "noninteractive" } };
  const updated = await run("apt-get", ["update", "-q"], quiet);
  if (!updated.ok) throw new ScriptError(`${updated.output}\n${byHand} (${updated.reason})`);
  await keepUnconfigured(names);
  // A machine that has another mail server keeps it: then this fails, instead of removing that one.
  const choices = ["-y", "-q", "--no-install-recommends", "--no-remove"];
  const installed = await withoutStartingDaemons(() =>
    run("apt-get", ["install", ...choices, ...names], quiet),
  );
  if (!installed.ok) throw new ScriptError(`${installed.output}\n${byHand} (${installed.reason})`);

  const still = await missingOf(missing);
  if (still.length > 0) {
    throw new ScriptError(`Still missing after apt-get: ${still.map((needed) => needed.package).join(", ")}`);
  }
}

/** Debian asks this program whether a package may start its daemon; 101 is no (invoke-rc.d(8)). */
const POLICY_PROGRAM = "/usr/sbin/policy-rc.d";

/**
 * Debian starts servers as they are installed: on ports that may be somebody's, and for nobody. A policy that
 * the machine has already stays as it is.
 *
 * @template T
 * @param {() => Promise<T>} install
 * @returns {Promise<T>}
 */
async function withoutStartingDaemons(install) {
  const isOurs = await writeFile(POLICY_PROGRAM, "#!/bin/sh\nexit 101\n", { flag: "wx", mode: 0o755 }).then(
    () => true,
    () => false,
  );
  try {
    return await install();
  } finally {
    if (isOurs) await rm(POLICY_PROGRAM, { force: true });
  }
}

/** @param {typeof NEEDED} candidates */
async function missingOf(candidates) {
  const missing = [];
  for (const candidate of candidates) {
    // Debian keeps daemons and file system tools out of the path of ordinary users.
    const { ok } = await run(...candidate.check, {
      env: { PATH: `${process.env.PATH ?? ""}:/usr/sbin:/sbin` },
    });
    if (!ok) missing.push(candidate);
  }
  return missing;
}
