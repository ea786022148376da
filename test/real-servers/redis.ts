import { execFile } from "node:child_process";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { cleanEnvironment, temporaryDirectory } from "../live/processes.js";
import { makeServerCertificates, type CertificateOptions } from "./certificates.js";
import { areListening, freePorts } from "./loopback-ports.js";
import { startServerProcess, type ServerProcess } from "./server-process.js";
import { giveTo, isRoot, unixUser } from "./unix-user.js";

const run = promisify(execFile);

/** The password of `requirepass`, which is the one of the user `default`. */
export const REDIS_PASSWORD = 'legacy "pass" with \\ and spaces';

/** Users of the access control list. */
export const REDIS_USERS = {
  /** May do everything, so also read passwords' digests and change them. */
  admin_user: { password: "may do everything", rules: "~* &* +@all" },
  app_user: { password: "p\u00e4ssw\u00f6rd 'of' the app", rules: "~* &* +@all -@admin" },
} as const;

export type RedisUser = keyof typeof REDIS_USERS;

/** SELECT takes 0 to one less. */
export const REDIS_DATABASES = 64;

export interface RunningRedis {
  /** Without TLS. */
  readonly port: number;
  readonly tlsPort: number;
  readonly pid: number;
  readonly ca: string;
  readonly caPath: string;
  readonly log: () => string;
  /** A command as `admin_user`, by redis-cli: its output. */
  command(...args: string[]): Promise<string>;
  /** `SIGKILL` is a crash. */
  stop(signal?: NodeJS.Signals): Promise<void>;
}

export interface RedisOptions {
  readonly certificate?: CertificateOptions;
  /** False: the user `default` needs no password. */
  readonly requirePassword?: boolean;
  /** More of redis.conf, such as `timeout`. */
  readonly settings?: Readonly<Record<string, string>>;
}

/** A Redis server on two ports of 127.0.0.1, one with TLS, that keeps nothing on disk. */
export async function startRedis(options: RedisOptions = {}): Promise<RunningRedis> {
  const directory = await temporaryDirectory();
  const certificates = await makeServerCertificates(options.certificate);
  let server: ServerProcess | undefined;
  const stop = async (signal: NodeJS.Signals = "SIGTERM"): Promise<void> => {
    await server?.stop(signal);
    await certificates.remove();
    await directory.remove();
  };

  try {
    const [port, tlsPort] = await freePorts(2);
    if (port === undefined || tlsPort === undefined) throw new Error("no ports");
    const path = (name: string): string => join(directory.path, name);
    const { requirePassword = true } = options;
    await writeFile(path("ca.pem"), certificates.ca);
    await writeFile(path("server.pem"), certificates.cert);
    await writeFile(path("server.key"), certificates.key, { mode: 0o600 });
    await writeFile(
      path("redis.conf"),
      configuration({
        bind: "127.0.0.1",
        port: String(port),
        "tls-port": String(tlsPort),
        "tls-cert-file": path("server.pem"),
        "tls-key-file": path("server.key"),
        // The server wants an authority even when it asks clients for no certificate.
        "tls-ca-cert-file": path("ca.pem"),
        "tls-auth-clients": "no",
        dir: directory.path,
        databases: String(REDIS_DATABASES),
        save: "",
        appendonly: "no",
        ...(requirePassword ? { requirepass: REDIS_PASSWORD } : { "protected-mode": "no" }),
        ...options.settings,
      }) + accessList(),
    );
    const user = isRoot() ? unixUser("redis") : undefined;
    if (user !== undefined) giveTo(user, directory.path);
    const started = await startServerProcess({
      command: "redis-server",
      args: [path("redis.conf")],
      cwd: directory.path,
      user,
      isReady: () => areListening([port, tlsPort]),
    });
    server = started;

    return {
      port,
      tlsPort,
      pid: started.pid,
      ca: certificates.ca,
      caPath: certificates.caPath,
      log: started.log,
      async command(...args) {
        const login = [
          "--no-auth-warning",
          "--user",
          "admin_user",
          "--pass",
          REDIS_USERS.admin_user.password,
        ];
        const { stdout } = await run("redis-cli", ["-p", String(port), ...login, ...args], {
          env: cleanEnvironment(),
        });
        return stdout.trimEnd();
      },
      stop,
    };
  } catch (error) {
    await stop();
    throw error;
  }
}

function configuration(settings: Readonly<Record<string, string>>): string {
  return Object.entries(settings)
    .map(([name, value]) => `${name} ${quoted(value)}\n`)
    .join("");
}

function accessList(): string {
  return Object.entries(REDIS_USERS)
    .map(([name, { password, rules }]) => `user ${name} on ${quoted(`>${password}`)} ${rules}\n`)
    .join("");
}

const quoted = (text: string): string => `"${text.replaceAll(/["\\]/g, "\\$&")}"`;
