import { isIP } from "node:net";
import { homedir } from "node:os";
import { join, resolve } from "node:path";
import { Command, CommanderError, Option } from "commander";
import { parseDuration } from "./duration.js";
import { isLoopback, parseListenAddress, type ListenAddress } from "./listen-address.js";
import { LOG_FORMATS, LOG_LEVELS, type ServerConfig } from "./server-config.js";

export type CommandLineResult =
  | { readonly kind: "run"; readonly config: ServerConfig }
  /** `--help` or `--version`: print to standard output and exit 0. */
  | { readonly kind: "print"; readonly text: string }
  /** Print to standard error and exit 2. */
  | { readonly kind: "usage"; readonly text: string };

interface RawOptions {
  readonly listen: string;
  readonly dataDir: string;
  readonly tokenTtl: string;
  readonly tlsCert?: string;
  readonly tlsKey?: string;
  readonly httpProxy?: string;
  readonly sessionHost: string;
  readonly sessionPorts?: string;
  readonly allowedHosts?: string;
  readonly passwordFile?: string;
  readonly onRefreshFailure?: string;
  readonly allowPlaintextBind?: boolean | string;
  readonly workers: string;
  readonly audit: "on" | "off";
  readonly logFormat: ServerConfig["logFormat"];
  readonly logLevel: ServerConfig["logLevel"];
}

class UsageError extends Error {}

const MAX_TOKEN_TTL_MS = 10 * 365 * 86_400_000;

/** systemd.exec(5), "Credentials": the directory is in `$CREDENTIALS_DIRECTORY`, the name is the unit's to choose. */
const PASSWORD_CREDENTIAL = "vault-password";

const EXAMPLES = `
Every flag can be given as an environment variable instead: --data-dir is VAULT_DATA_DIR. A flag wins.
Without --password-file, the systemd credential ${PASSWORD_CREDENTIAL} is used if the unit has it:
LoadCredentialEncrypted=${PASSWORD_CREDENTIAL}:/etc/credstore.encrypted/${PASSWORD_CREDENTIAL}

Examples:
  vault-server
  vault-server --listen unix:/run/vault-proxy/vault.sock --data-dir /var/lib/vault-proxy
  vault-server --listen 0.0.0.0:8390 --tls-cert cert.pem --tls-key key.pem --allowed-hosts vault.example.com

Then, in another terminal: vault-cli unlock
`;

/** Reads flags and environment (flags win) into one checked result; touches no file. */
export function parseCommandLine(
  argv: readonly string[],
  environment: Readonly<Record<string, string | undefined>>,
  version: string,
): CommandLineResult {
  let printed = "";
  let complained = "";
  const command = defineCommand(version).configureOutput({
    writeOut: (text) => (printed += text),
    writeErr: (text) => (complained += text),
  });
  try {
    command.parse([...argv], { from: "user" });
    const config = toConfig(withEnvironment(command, environment), environment.CREDENTIALS_DIRECTORY);
    return { kind: "run", config };
  } catch (error) {
    if (error instanceof UsageError) return { kind: "usage", text: `vault-server: ${error.message}\n` };
    if (!(error instanceof CommanderError)) throw error;
    if (error.exitCode === 0) return { kind: "print", text: printed };
    return { kind: "usage", text: complained };
  }
}

function defineCommand(version: string): Command {
  return new Command("vault-server")
    .description("Keeps credentials in one encrypted file and injects them into proxied calls.")
    .version(version, "--version", "print the version")
    .helpOption("-h, --help", "show this help")
    .option("--listen <address>", "where to listen: host:port or unix:/path", "127.0.0.1:8390")
    .option("--data-dir <directory>", "where the vault file lives", defaultDataDirectory())
    .option("--token-ttl <duration>", "how long a token lives unless told otherwise", "24h")
    .option("--tls-cert <file>", "certificate chain (PEM): serve HTTPS")
    .option("--tls-key <file>", "private key of --tls-cert (PEM)")
    .option("--http-proxy <url>", "egress proxy for calls to upstreams, http:// or https://")
    .option(
      "--session-host <address>",
      "where sessions listen; on another address than loopback every session has a password",
      "127.0.0.1",
    )
    .option(
      "--session-ports <first-last>",
      "ports for sessions, such as 20000-20100 (default: any that is free)",
    )
    .option("--allowed-hosts <names>", "further names, comma-separated, under which the server may be called")
    .option("--password-file <file>", "unlock at start with the first line of this file")
    .option(
      "--on-refresh-failure <command>",
      "program to run when a token could not be refreshed ahead of time, with the service and an error code as arguments",
    )
    .option(
      "--allow-plaintext-bind",
      "listen on a non-loopback address without TLS (a container's published port)",
    )
    .option("--workers <number>", "processes that make proxied calls; 1: everything in one process", "1")
    .addOption(
      new Option("--audit <on|off>", "record everything that is done in audit.jsonl in the data directory")
        .choices(["on", "off"])
        .default("on"),
    )
    .addOption(new Option("--log-format <format>", "console log").choices(LOG_FORMATS).default("text"))
    .addOption(new Option("--log-level <level>", "console log").choices(LOG_LEVELS).default("info"))
    .allowExcessArguments(false)
    .addHelpText("after", EXAMPLES)
    .exitOverride();
}

/** Empty for a user without a home, as systemd makes one for a unit where no name service knows of it. */
function defaultDataDirectory(): string {
  try {
    return join(homedir(), ".vault-proxy");
  } catch {
    return "";
  }
}

/** `--data-dir` is `VAULT_DATA_DIR`. An empty variable counts as unset. */
function withEnvironment(
  command: Command,
  environment: Readonly<Record<string, string | undefined>>,
): RawOptions {
  const values: Record<string, unknown> = { ...command.opts() };
  for (const option of command.options) {
    const name = option.attributeName();
    const variable = `VAULT_${option.long?.slice(2).toUpperCase().replaceAll("-", "_") ?? ""}`;
    const value = environment[variable];
    if (name === "version" || value === undefined || value === "") continue;
    if (command.getOptionValueSource(name) === "cli") continue;
    if (option.argChoices !== undefined && !option.argChoices.includes(value)) {
      throw new UsageError(`${variable} must be one of ${option.argChoices.join(", ")}`);
    }
    values[name] = value;
  }
  return values as unknown as RawOptions;
}

function toConfig(options: RawOptions, credentialsDirectory = ""): ServerConfig {
  const listen = parseListenAddress(options.listen);
  if (listen === undefined) {
    throw new UsageError(
      `--listen: ${JSON.stringify(options.listen)} is neither host:port nor unix:/absolute/path (107 bytes at most)`,
    );
  }
  if (options.dataDir === "") {
    throw new UsageError("--data-dir: must not be empty, and its default is for users who have a home");
  }
  const tokenTtlMs = parseDuration(options.tokenTtl);
  if (tokenTtlMs === undefined || tokenTtlMs < 1000 || tokenTtlMs > MAX_TOKEN_TTL_MS) {
    throw new UsageError("--token-ttl: must be a duration such as 30m or 24h, from 1s to ten years");
  }
  if ((options.tlsCert === undefined) !== (options.tlsKey === undefined)) {
    throw new UsageError("--tls-cert and --tls-key go together");
  }
  const tls =
    options.tlsCert === undefined || options.tlsKey === undefined
      ? undefined
      : { certPath: resolve(options.tlsCert), keyPath: resolve(options.tlsKey) };
  refuseOpenPlaintext(listen, tls !== undefined, isOn(options.allowPlaintextBind));
  return {
    listen,
    dataDir: resolve(options.dataDir),
    tokenTtlMs,
    tls,
    sessions: {
      host: parseSessionHost(options.sessionHost),
      ports: options.sessionPorts === undefined ? undefined : parsePorts(options.sessionPorts),
    },
    egressProxy: options.httpProxy === undefined ? undefined : parseProxyUrl(options.httpProxy),
    allowedHosts: (options.allowedHosts ?? "")
      .split(",")
      .map((name) => name.trim())
      .filter((name) => name !== ""),
    passwordFile: options.passwordFile === undefined ? undefined : resolve(options.passwordFile),
    passwordCredential:
      options.passwordFile !== undefined || credentialsDirectory === ""
        ? undefined
        : resolve(credentialsDirectory, PASSWORD_CREDENTIAL),
    onRefreshFailure: options.onRefreshFailure === undefined ? undefined : resolve(options.onRefreshFailure),
    workers: parseWorkers(options.workers),
    audit: options.audit === "on",
    logFormat: options.logFormat,
    logLevel: options.logLevel,
  };
}

function isOn(value: boolean | string | undefined): boolean {
  if (typeof value !== "string") return value ?? false;
  if (["1", "true", "yes", "on"].includes(value.toLowerCase())) return true;
  if (["0", "false", "no", "off"].includes(value.toLowerCase())) return false;
  throw new UsageError("VAULT_ALLOW_PLAINTEXT_BIND must be true or false");
}

/** Tokens and answers would cross the network readable by anyone on it. */
function refuseOpenPlaintext(listen: ListenAddress, hasTls: boolean, allowed: boolean): void {
  if (isLoopback(listen) || hasTls || allowed) return;
  throw new UsageError(
    "refusing to listen on a non-loopback address without TLS: tokens and answers would cross the network in the clear.\n" +
      "Three ways out:\n" +
      "  1. listen on this machine only: --listen 127.0.0.1:8390 or --listen unix:/path/to.sock\n" +
      "  2. serve TLS: --tls-cert cert.pem --tls-key key.pem\n" +
      "  3. in a container whose port is published on loopback only: --allow-plaintext-bind",
  );
}

function parseSessionHost(text: string): string {
  const host = text === "localhost" ? "127.0.0.1" : text.replace(/^\[(.*)\]$/, "$1");
  if (isIP(host) === 0)
    throw new UsageError("--session-host: must be an address of this machine, such as 127.0.0.1 or 0.0.0.0");
  // In one spelling (RFC 5952), so that loopback is known as such.
  return isIP(host) === 6 ? new URL(`http://[${host}]/`).hostname.slice(1, -1) : host;
}

/** More gain nothing on any machine that we know of, and each has connections of its own to every upstream. */
const MOST_WORKERS = 64;

function parseWorkers(text: string): number {
  const count = /^\d{1,2}$/.test(text) ? Number(text) : 0;
  if (count < 1 || count > MOST_WORKERS)
    throw new UsageError(`--workers: must be a number from 1 to ${MOST_WORKERS}`);
  return count;
}

const HIGHEST_PORT = 65_535;

function parsePorts(text: string): { first: number; last: number } {
  const [, first, last] = /^(\d{1,5})-(\d{1,5})$/.exec(text)?.map(Number) ?? [];
  if (first === undefined || last === undefined || first < 1 || last > HIGHEST_PORT || first > last)
    throw new UsageError("--session-ports: must be two ports, the lower first, such as 20000-20100");
  return { first, last };
}

function parseProxyUrl(text: string): URL {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  // The text is not repeated: it may hold the proxy's password.
  if (url === undefined || !["http:", "https:"].includes(url.protocol) || url.hostname === "") {
    throw new UsageError("--http-proxy: must be an http:// or https:// URL");
  }
  return url;
}
