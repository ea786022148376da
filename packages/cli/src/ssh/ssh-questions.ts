import { join } from "node:path";

import type { CommandContext } from "../command-context.js";
import { CliError } from "../failures.js";
import { askHostKey } from "../field-questions.js";
import { hostAndPortProblem } from "../host-and-port.js";
import { homeDirectory } from "../home-directory.js";
import { askChoice, askText } from "../prompt.js";
import { readSecretFile } from "../secret-source.js";
import { askAllowance, isThisMachine } from "../this-machine.js";
import { hasKey, readSshFlags, type SshFlags } from "./ssh-service.js";

/** What is asked: it may turn out that the server is this machine itself. */
export interface AskedSshFlags extends SshFlags {
  readonly allowPrivate?: boolean | undefined;
}

/** Asks for what was not given, and has no default. */
export async function askSshFlags(context: CommandContext, given: AskedSshFlags): Promise<AskedSshFlags> {
  // Told before all else is answered for nothing.
  if (given.sshKeyFile !== undefined) await readSecretFile(given.sshKeyFile);
  let flags = await withHost(context, given);
  if (flags.sshUser === undefined) flags = { ...flags, sshUser: await askText(context, "User", needed) };
  if (!hasKey(flags) && flags.sshPasswordStdin === undefined) {
    flags = { ...flags, ...(await askCredential(context)) };
  }
  if (flags.sshHostKey === undefined) {
    flags = { ...flags, sshHostKey: await askHostKey(context) };
  }
  return flags;
}

/** Until it is a host that the vault may connect to. */
async function withHost(context: CommandContext, given: AskedSshFlags): Promise<AskedSshFlags> {
  for (let asked = given.sshHost; ; asked = undefined) {
    const host = asked ?? (await askText(context, "Host, or host:port", hostAndPortProblem)).trim();
    const flags: AskedSshFlags = { ...given, ...readSshFlags({ ...given, sshHost: host }) };
    if (flags.allowPrivate !== undefined || !isThisMachine(flags.sshHost ?? "")) return flags;
    if (await askAllowance(context, "May the vault connect to it?")) return { ...flags, allowPrivate: true };
  }
}

async function askCredential(context: CommandContext): Promise<SshFlags> {
  const kind = await askChoice(context, "What does it log in with?", [
    { value: "file", label: "a private key in a file on this machine" },
    { value: "stored", label: "a private key that the vault has already" },
    { value: "password", label: "a password" },
  ]);
  if (kind === "file") return { sshKeyFile: await askKeyFile(context) };
  if (kind === "stored") return { sshKeyFileRef: await askText(context, "Name of the stored key", needed) };
  return {};
}

/** Until it is one that can be read. */
async function askKeyFile(context: CommandContext): Promise<string> {
  let path = "";
  for (;;) {
    path = withHome((await askText(context, "Path of the private key", needed, path)).trim());
    try {
      await readSecretFile(path);
      return path;
    } catch (error) {
      if (!(error instanceof CliError)) throw error;
      context.output.warn(error.message);
    }
  }
}

/** As a shell does with what is typed there. */
function withHome(path: string): string {
  return path.startsWith("~/") ? join(homeDirectory(), path.slice(2)) : path;
}

function needed(value: string): string | undefined {
  return value.trim() === "" ? "needed" : undefined;
}
