/** What Debian is told before it installs a server for tests, so that it sets nothing up for the machine itself. */
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { run, ScriptError } from "./run-process.mjs";

const CLUSTER_FOLDER = "/etc/postgresql-common";
const CLUSTER_RULES = "# The tests make clusters of their own.\ncreate_main_cluster = false\n";
const NO_SSH_DAEMON = "/etc/ssh/sshd_not_to_be_run";
const MAIL_RULES = "postfix postfix/main_mailer_type select No configuration\n";

/** @type {Record<string, () => Promise<void>>} */
const PREPARATIONS = {
  "openssh-server": startNoSshDaemon,
  postfix: configureNoMail,
  postgresql: createNoCluster,
};

/** @param {string[]} packages Those that are about to be installed. */
export async function keepUnconfigured(packages) {
  for (const name of packages) await PREPARATIONS[name]?.();
}

/** Otherwise the machine would let people in from its next start on. Debian's unit and script look for this file. */
async function startNoSshDaemon() {
  await mkdir(path.dirname(NO_SSH_DAEMON), { recursive: true });
  await writeFile(NO_SSH_DAEMON, "");
}

/** See pg_createcluster(8). Where its rules stand already, somebody decided them. */
async function createNoCluster() {
  await mkdir(CLUSTER_FOLDER, { recursive: true });
  await writeFile(path.join(CLUSTER_FOLDER, "createcluster.conf"), CLUSTER_RULES, { flag: "wx" }).catch(
    (/** @type {NodeJS.ErrnoException} */ error) => {
      if (error.code !== "EEXIST") throw error;
    },
  );
}

/** Otherwise the package makes the machine a mail server with the name of its host. */
async function configureNoMail() {
  const folder = await mkdtemp(path.join(tmpdir(), "vault-proxy-debconf-"));
  try {
    const answers = path.join(folder, "answers");
    await writeFile(answers, MAIL_RULES);
    const told = await run("debconf-set-selections", [answers]);
    if (!told.ok) throw new ScriptError(`${told.output}\ndebconf-set-selections: ${told.reason}`);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
