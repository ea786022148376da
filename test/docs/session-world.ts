import { execFile } from "node:child_process";
import { chmod, chown, mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { cleanEnvironment, startServer, temporaryDirectory } from "../live/processes.js";
import { addService, makeToken, unlock } from "../live/vault-calls.js";
import { startDovecot } from "../real-servers/dovecot.js";
import { MAIL_PASSWORDS } from "../real-servers/mail-users.js";
import { startPostfix } from "../real-servers/postfix.js";
import { POSTGRES_DATABASE, POSTGRES_USERS, startPostgres } from "../real-servers/postgresql.js";
import { startSshd, type RunningSshd } from "../real-servers/openssh.js";
import { REDIS_USERS, startRedis } from "../real-servers/redis.js";
import type { FencedBlock } from "./fenced-blocks.js";
import { linkPackages } from "./linked-packages.js";
import { runnableModule } from "./snippet-types.js";

const ROOT = fileURLToPath(new URL("../../", import.meta.url));
const BLOCK_MS = 30_000;
const MAIL_USER = "plain@mail.test";
/** What pages run at servers, and need not do anything. */
const REMOTE_PROGRAMS = ["docker", "git", "psql"];

/** The services that pages name, and the protocol of each. */
const PROTOCOLS = { orders: "postgres", cache: "redis", mail: "imap", outbox: "smtp", out: "smtp" } as const;
export type SessionService = keyof typeof PROTOCOLS;

export interface BlockResult {
  readonly code: number;
  readonly output: string;
}

/** A vault with a database, a cache, two mail servers and one for SSH behind it, for blocks that use these. */
export interface SessionWorld {
  /**
   * Runs a shell script as an agent, or code of another language by its interpreter.
   *
   * @param service whose variables `vault-cli … --exec` gives it; without one it opens its sessions itself
   */
  run(block: FencedBlock, service: string | undefined): Promise<BlockResult>;
  close(): Promise<void>;
}

export async function openSessionWorld(): Promise<SessionWorld> {
  const directory = await temporaryDirectory();
  const home = join(directory.path, "home");
  const [dovecot, postfix, postgres, redis, sshd, server] = await Promise.all([
    startDovecot(),
    startPostfix(),
    startPostgres(),
    startRedis(),
    startBox(),
    startServer({ dataDir: join(directory.path, "data") }),
    makeHome(home),
  ]);
  const admin = await unlock(server);
  const login = { user: MAIL_USER, password: MAIL_PASSWORDS[MAIL_USER] } as const;
  const smtp = {
    ...{ type: "smtp", smtp_host: "127.0.0.1", smtp_port: postfix.tlsPort, smtp_tls: "implicit" },
    ...{ smtp_user: login.user, smtp_password: login.password },
  };
  const definitions: Readonly<Record<SessionService, readonly [auth: object, ca: string]>> = {
    orders: [
      {
        ...{ type: "postgres", postgres_host: "127.0.0.1", postgres_port: postgres.port },
        ...{ postgres_user: "scram_user", postgres_password: POSTGRES_USERS.scram_user.password },
        postgres_db: POSTGRES_DATABASE,
      },
      postgres.ca(),
    ],
    cache: [
      {
        ...{ type: "redis", redis_host: "127.0.0.1", redis_port: redis.tlsPort, redis_tls: true },
        ...{ redis_username: "app_user", redis_password: REDIS_USERS.app_user.password, redis_db: 2 },
      },
      redis.ca,
    ],
    mail: [
      {
        ...{ type: "imap", imap_host: "127.0.0.1", imap_port: dovecot.tlsPort },
        ...{ imap_user: login.user, imap_password: login.password },
      },
      dovecot.ca,
    ],
    outbox: [smtp, postfix.ca],
    out: [smtp, postfix.ca],
  };
  for (const [name, [auth, ca]] of Object.entries(definitions))
    await addService(server, admin, { name, auth, tls_ca: ca, allow_private: true });
  for (const name of ["box", "db"])
    await addService(server, admin, {
      ...{ name, allow_private: true },
      auth: {
        ...{ type: "ssh_key", ssh_host: sshd.host, ssh_port: sshd.port },
        ...{ ssh_user: sshd.user, ssh_password: sshd.password },
      },
    });
  const environment = cleanEnvironment({
    HOME: home,
    PATH: `${home}/bin:${ROOT}packages/python-sdk/.venv/bin:/usr/sbin:${process.env.PATH ?? ""}`,
    LANG: "C.UTF-8",
    VAULT_ADDR: server.address,
    VAULT_TOKEN: await makeToken(server, admin),
    EMAIL: "me@example.com",
  });
  return {
    async run(block, service) {
      const command = await commandOf(block, home);
      const session =
        service === undefined ? [] : ["vault-cli", protocolOf(service), service, "--exec", "--"];
      const [program = "", ...args] = [...session, ...command];
      return execute(program, args, { cwd: home, env: environment, timeout: BLOCK_MS });
    },
    async close() {
      await server.stop();
      await Promise.all([dovecot.stop(), postfix.stop(), postgres.stop(), redis.stop(), sshd.stop()]);
      await directory.remove();
    },
  };
}

function protocolOf(service: string): string {
  if (!(service in PROTOCOLS)) throw new Error(`there is no service ${service} to run a block with`);
  return PROTOCOLS[service as SessionService];
}

/** A folder with the built programs in `bin`, and the packages of the repository for Node. */
async function makeHome(home: string): Promise<void> {
  const modules = join(home, "node_modules");
  await Promise.all([mkdir(join(home, "bin"), { recursive: true }), mkdir(modules, { recursive: true })]);
  const cli = join(home, "bin/vault-cli");
  await writeFile(cli, `#!/bin/sh\nexec "${process.execPath}" "${ROOT}packages/cli/dist/main.js" "$@"\n`);
  await chmod(cli, 0o755);
  await linkPackages(modules);
}

/** A server for SSH that has a folder `app` and the programs that pages call. */
async function startBox(): Promise<RunningSshd> {
  const programs = await temporaryDirectory();
  await chmod(programs.path, 0o755);
  const sshd = await startSshd({
    login: "password",
    settings: { SetEnv: `PATH=${programs.path}:/usr/bin:/bin` },
  });
  for (const name of REMOTE_PROGRAMS) {
    const file = join(programs.path, name);
    await writeFile(file, '#!/bin/sh\necho "$(basename "$0") was run: $*"\n');
    await chmod(file, 0o755);
  }
  const app = join(sshd.home, "app");
  await mkdir(app);
  await chown(app, sshd.uid, sshd.gid);
  return {
    ...sshd,
    async stop() {
      await sshd.stop();
      await programs.remove();
    },
  };
}

async function commandOf(block: FencedBlock, home: string): Promise<readonly string[]> {
  const [file, text, command] = ["ts", "js"].includes(block.language)
    ? ["snippet.mjs", runnableModule(block), "node"]
    : block.language === "python"
      ? ["snippet.py", `${block.given}\n${block.text}\n${block.then}`, "python3"]
      : ["snippet.sh", `set -e -o pipefail\n${block.given}\n${block.text}\n${block.then}`, "bash"];
  await writeFile(join(home, file), text);
  return [command, file];
}

async function execute(
  program: string,
  args: readonly string[],
  options: { readonly cwd: string; readonly env: NodeJS.ProcessEnv; readonly timeout: number },
): Promise<BlockResult> {
  try {
    const { stdout, stderr } = await promisify(execFile)(program, args, options);
    return { code: 0, output: stdout + stderr };
  } catch (error) {
    const { code, stdout = "", stderr = "" } = error as { code?: unknown; stdout?: string; stderr?: string };
    return { code: typeof code === "number" ? code : 1, output: stdout + stderr };
  }
}
