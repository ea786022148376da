import { execFile } from "node:child_process";
import { readdirSync } from "node:fs";
import { chmod, mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { cleanEnvironment, temporaryDirectory } from "../live/processes.js";
import { makeServerCertificates, type CertificateOptions, type ServerCertificates } from "./certificates.js";
import { freePorts } from "./loopback-ports.js";
import { startServerProcess, type ServerProcess } from "./server-process.js";
import { giveTo, isRoot, unixUser } from "./unix-user.js";

const run = promisify(execFile);
const OUTPUT_BYTES = 16 * 1024 * 1024;

/** Debian keeps the programs of each version in a folder of its own; psql and pg_dump are in the path too. */
const VERSIONS = "/usr/lib/postgresql";

/** The superuser: from the Unix socket alone, without a password. */
const ADMIN = "postgres";

/** How each user must log in from 127.0.0.1, in the words of pg_hba.conf. Connections may be with or without TLS. */
export const POSTGRES_USERS = {
  scram_user: { method: "scram-sha-256", password: "Tr0ub4dor & three" },
  /** RFC 4013 makes this password "päss IX" + "word": a client must prepare it as the server did. */
  prepared_user: { method: "scram-sha-256", password: "p\u00e4ss\u00a0\u2168wo\u00adrd" },
  md5_user: { method: "md5", password: "quoted ' and \\ back" },
  clear_user: { method: "password", password: "ünïcode in the clear" },
  trusted_user: { method: "trust", password: "never asked for" },
  gss_user: { method: "gss", password: "never asked for" },
  /** Refused with SQLSTATE 28000 before it is asked for anything. */
  rejected_user: { method: "reject", password: "never asked for" },
  /** Like `scram_user`, but refused without TLS. */
  tls_user: { method: "scram-sha-256", password: "over TLS alone", tlsOnly: true },
} as const;

export type PostgresUser = keyof typeof POSTGRES_USERS;

/** The database that every user may make tables in. */
export const POSTGRES_DATABASE = "app";

export interface RunningPostgres {
  readonly port: number;
  readonly pid: number;
  /** The authority of the certificate that is presented now. */
  readonly ca: () => string;
  readonly caPath: () => string;
  readonly log: () => string;
  /** As the superuser, by psql: the rows without headings, columns parted by `|`. */
  sql(statement: string, database?: string): Promise<string>;
  /** The environment in which libpq's programs act as the superuser. */
  readonly adminEnvironment: Readonly<Record<string, string>>;
  /** Presents another certificate from the next connection on. */
  presentCertificate(options: CertificateOptions): Promise<void>;
  /** `SIGKILL` is a crash; what connections are open then end without a word. */
  stop(signal?: NodeJS.Signals): Promise<void>;
}

export interface PostgresOptions {
  readonly certificate?: CertificateOptions;
  /** More of postgresql.conf, such as `max_connections`. */
  readonly settings?: Readonly<Record<string, string>>;
}

/** A PostgreSQL server on a port of 127.0.0.1 with TLS, its users {@link POSTGRES_USERS}, and nothing durable. */
export async function startPostgres(options: PostgresOptions = {}): Promise<RunningPostgres> {
  const directory = await temporaryDirectory();
  const data = join(directory.path, "data");
  const sockets = join(directory.path, "sockets");
  const certificatePath = join(directory.path, "server.pem");
  const keyPath = join(directory.path, "server.key");
  let certificates: ServerCertificates | undefined;
  let server: ServerProcess | undefined;
  // The server refuses to be root's.
  const user = isRoot() ? unixUser("postgres") : undefined;

  const stop = async (signal: NodeJS.Signals = "SIGINT"): Promise<void> => {
    await server?.stop(signal);
    await certificates?.remove();
    await directory.remove();
  };
  const writeCertificate = async (wanted: CertificateOptions): Promise<void> => {
    await certificates?.remove();
    certificates = await makeServerCertificates(wanted);
    await writeFile(certificatePath, certificates.cert);
    await writeFile(keyPath, certificates.key);
    await chmod(keyPath, 0o600);
    if (user !== undefined) giveTo(user, directory.path);
  };

  try {
    await Promise.all([mkdir(data), mkdir(sockets)]);
    await writeCertificate(options.certificate ?? {});
    await run(
      program("initdb"),
      ["--pgdata", data, "--username", ADMIN, "--auth", "trust", "--no-sync", "--no-instructions"].concat([
        "--encoding",
        "UTF8",
        "--locale",
        "C.UTF-8",
      ]),
      { cwd: directory.path, env: cleanEnvironment(), ...user },
    );
    const [port] = await freePorts(1);
    if (port === undefined) throw new Error("no port");
    await writeFile(join(data, "pg_hba.conf"), accessRules());
    await writeFile(
      join(data, "postgresql.conf"),
      configuration({
        port: String(port),
        listen_addresses: "127.0.0.1",
        unix_socket_directories: sockets,
        ssl: "on",
        ssl_cert_file: certificatePath,
        ssl_key_file: keyPath,
        ...options.settings,
      }),
    );
    const started = await startServerProcess({
      command: program("postgres"),
      args: ["-D", data],
      cwd: directory.path,
      user,
      isReady: (log) => log.includes("ready to accept connections"),
    });
    server = started;

    const adminEnvironment = { PGHOST: sockets, PGPORT: String(port), PGUSER: ADMIN };
    const sql = async (statement: string, database = ADMIN): Promise<string> => {
      const { stdout } = await run(
        "psql",
        ["-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1", "-d", database, "-c", statement],
        { env: { ...cleanEnvironment(), ...adminEnvironment }, maxBuffer: OUTPUT_BYTES },
      );
      return stdout.trimEnd();
    };
    await sql(usersAndGroup());
    await sql(`CREATE DATABASE ${POSTGRES_DATABASE} OWNER users`);

    return {
      port,
      pid: started.pid,
      ca: () => certificates?.ca ?? "",
      caPath: () => certificates?.caPath ?? "",
      log: started.log,
      sql,
      adminEnvironment,
      async presentCertificate(wanted) {
        await writeCertificate(wanted);
        const before = reloads(started.log());
        process.kill(started.pid, "SIGHUP");
        while (reloads(started.log()) === before) await new Promise((resolve) => setTimeout(resolve, 5));
      },
      stop,
    };
  } catch (error) {
    await stop();
    throw error;
  }
}

/** The path of a program of the newest server that is installed, such as `pgbench`. */
export function program(name: string): string {
  const newest = readdirSync(VERSIONS).sort((left, right) => Number(right) - Number(left))[0];
  if (newest === undefined) throw new Error("PostgreSQL is not installed");
  return join(VERSIONS, newest, "bin", name);
}

function configuration(settings: Readonly<Record<string, string>>): string {
  const all = {
    // Nothing here outlives its test: no time for disks.
    fsync: "off",
    synchronous_commit: "off",
    full_page_writes: "off",
    max_wal_size: "1GB",
    // The log tells who logged in, and how.
    log_connections: "on",
    ...settings,
  };
  return Object.entries(all)
    .map(([name, value]) => `${name} = '${value}'\n`)
    .join("");
}

/** pg_hba.conf: the first line that fits decides. */
function accessRules(): string {
  const rules = Object.entries(POSTGRES_USERS).map(([name, user]) =>
    "tlsOnly" in user
      ? `hostssl all ${name} 127.0.0.1/32 ${user.method}\nhostnossl all ${name} 127.0.0.1/32 reject\n`
      : `host all ${name} 127.0.0.1/32 ${user.method}\n`,
  );
  // Only who can enter the folder reaches the socket.
  return `local all ${ADMIN} trust\n${rules.join("")}`;
}

/** One statement a line: the password is stored in the form that is set at that moment. */
function usersAndGroup(): string {
  const users = Object.entries(POSTGRES_USERS).map(([name, { method, password }]) => {
    const stored = method === "md5" ? "md5" : "scram-sha-256";
    return (
      `SET password_encryption = '${stored}';\n` +
      `CREATE ROLE ${name} LOGIN PASSWORD '${password.replaceAll("'", "''")}' IN ROLE users;\n`
    );
  });
  return `CREATE ROLE users;\n${users.join("")}`;
}

const reloads = (log: string): number => log.split("received SIGHUP").length;
