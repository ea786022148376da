import type { SshKeyAuth, SshLegacyAlgorithm } from "@vault-proxy/client";
import type { Command } from "commander";

import { UsageError } from "../failures.js";
import { hostAndPort, portNumber } from "../host-and-port.js";
import { collect } from "../repeated-option.js";

/** Flags of `service add` for servers that are reached by SSH. */
export interface SshFlags {
  readonly sshHost?: string | undefined;
  readonly sshPort?: number | undefined;
  readonly sshUser?: string | undefined;
  /** A local file. */
  readonly sshKeyFile?: string | undefined;
  /** A stored file. */
  readonly sshKeyFileRef?: string | undefined;
  readonly sshPasswordStdin?: boolean | undefined;
  readonly sshPassphraseStdin?: boolean | undefined;
  readonly sshAllowedCommand?: readonly string[] | undefined;
  readonly sshAllowedPath?: readonly string[] | undefined;
  readonly sshHostKey?: string | undefined;
  readonly sshLegacyAlgorithm?: readonly string[] | undefined;
  /** No flag: what the local file tells. */
  readonly sshKeyIsEncrypted?: boolean | undefined;
}

export const SSH_SUMMARY = "a server, by SSH with a private key or a password";

/** The flags, as the user writes them. */
export const SSH_OPTIONS = {
  sshHost: "--ssh-host",
  sshPort: "--ssh-port",
  sshUser: "--ssh-user",
  sshKeyFile: "--ssh-key-file",
  sshKeyFileRef: "--ssh-key-file-ref",
  sshPasswordStdin: "--ssh-password-stdin",
  sshPassphraseStdin: "--ssh-passphrase-stdin",
  sshAllowedCommand: "--ssh-allowed-command",
  sshAllowedPath: "--ssh-allowed-path",
  sshHostKey: "--ssh-host-key",
  sshLegacyAlgorithm: "--ssh-legacy-algorithm",
} as const;

export function addSshOptions(command: Command): void {
  command
    .optionsGroup("For ssh_key:")
    .option(`${SSH_OPTIONS.sshHost} <host>`, "name or address of the server, or host:port")
    .option(`${SSH_OPTIONS.sshPort} <port>`, "default: 22", portNumber)
    .option(`${SSH_OPTIONS.sshUser} <name>`, "who logs in")
    .option(`${SSH_OPTIONS.sshKeyFile} <file>`, "a private key on this machine: the vault stores it")
    .option(`${SSH_OPTIONS.sshKeyFileRef} <name>`, "a private key that the vault has, by `file upload`")
    .option(SSH_OPTIONS.sshPassphraseStdin, "read the key's passphrase from standard input")
    .option(SSH_OPTIONS.sshPasswordStdin, "log in with a password, and read it from standard input")
    .option(`${SSH_OPTIONS.sshHostKey} <key>`, "the server's key or fingerprint; else the first one is kept")
    .option(
      `${SSH_OPTIONS.sshAllowedCommand} <command>`,
      "let only this run, with any arguments; may be repeated",
      collect,
    )
    .option(`${SSH_OPTIONS.sshAllowedPath} <path>`, "let only files here be moved; may be repeated", collect)
    .option(
      `${SSH_OPTIONS.sshLegacyAlgorithm} <name>`,
      "such as ssh-rsa, for old servers; may be repeated",
      collect,
    );
}

/** Whether a flag says that the service is of this type. */
export function hasSshFlags(flags: SshFlags): boolean {
  return (Object.keys(SSH_OPTIONS) as (keyof typeof SSH_OPTIONS)[]).some((name) => flags[name] !== undefined);
}

/**
 * The flags with a port that stands in the host.
 * @throws UsageError for two different credentials
 */
export function readSshFlags(flags: SshFlags): SshFlags {
  const credentials = (["sshKeyFile", "sshKeyFileRef", "sshPasswordStdin"] as const).filter(
    (name) => flags[name] !== undefined,
  );
  if (credentials.length > 1) {
    throw new UsageError(`use one of ${credentials.map((name) => SSH_OPTIONS[name]).join(" and ")}`);
  }
  const { host, port } = hostAndPort({ host: flags.sshHost, port: flags.sshPort });
  return { ...flags, sshHost: host, sshPort: port };
}

/** The options that are missing, as the user writes them. */
export function missingSshFlags(flags: SshFlags): readonly string[] {
  return (["sshHost", "sshUser"] as const)
    .filter((name) => flags[name] === undefined)
    .map((name) => SSH_OPTIONS[name]);
}

export function hasKey({ sshKeyFile, sshKeyFileRef }: SshFlags): boolean {
  return sshKeyFile !== undefined || sshKeyFileRef !== undefined;
}

/** What must be asked for or read; the passphrase of a stored key only if there is one. */
export function sshSecretLabels(flags: SshFlags): readonly string[] {
  if (!hasKey(flags)) return ["Password"];
  if (flags.sshKeyFileRef !== undefined) return ["Passphrase of the key, or nothing"];
  return flags.sshKeyIsEncrypted === true ? ["Passphrase of the key"] : [];
}

/** Without the key's file where it is local: it is stored first. */
export function sshAuth(flags: SshFlags, [secret]: readonly string[]): SshKeyAuth {
  const given = secret === "" ? undefined : secret;
  return {
    type: "ssh_key",
    ssh_host: flags.sshHost ?? "",
    ssh_port: flags.sshPort,
    ssh_user: flags.sshUser ?? "",
    ssh_key_file_ref: flags.sshKeyFileRef,
    ...(hasKey(flags) ? { ssh_key_passphrase: given } : { ssh_password: given }),
    ssh_host_key: flags.sshHostKey,
    ssh_allowed_commands: flags.sshAllowedCommand,
    ssh_allowed_paths: flags.sshAllowedPath,
    // The server says which there are.
    ssh_legacy_algorithms: flags.sshLegacyAlgorithm as readonly SshLegacyAlgorithm[] | undefined,
  };
}
