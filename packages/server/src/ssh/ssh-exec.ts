import { VaultProxyError } from "../errors/vault-proxy-error.js";
import { createCommandRule } from "../ssh-rules/command-rules.js";
import { runCommand, type CommandEnd, type TakeOutput } from "./command-run.js";
import type { SshCall } from "./ssh-calls.js";
import type { SshConnection } from "./ssh-connection.js";

export interface ExecRequest {
  readonly command: string;
  readonly timeoutMs: number;
  readonly stdin: Buffer | undefined;
  /** Called when the server has begun with it, before any output. */
  readonly onStarted?: () => void;
  readonly takeOutput: TakeOutput;
}

/**
 * Runs a command at a service's server.
 * @throws VaultProxyError `forbidden` for one that the service does not allow; as `runCommand`, and as the connection
 */
export async function execCommand(call: SshCall, request: ExecRequest): Promise<CommandEnd> {
  const { allowedCommands } = call.access;
  const command = allowedCommands === undefined ? request.command : admit(request.command, allowedCommands);
  return call.withChannel({
    open(connection) {
      if (allowedCommands !== undefined) refuseOtherShells(connection);
      return connection.exec(command);
    },
    use(channel) {
      if (!call.signal.aborted) request.onStarted?.();
      return runCommand(channel, { ...request, signal: call.signal });
    },
  });
}

function admit(command: string, allowedCommands: readonly string[]): string {
  const admitted = createCommandRule(allowedCommands).admit(command);
  if (!admitted.ok) throw new VaultProxyError("forbidden", `command: ${admitted.reason}`);
  return admitted.command;
}

/** Words are quoted for the shells of Unix; those of Windows take the quotes for letters, and `&` for a new command. */
function refuseOtherShells({ software }: SshConnection): void {
  if (!/windows/i.test(software)) return;
  throw new VaultProxyError(
    "forbidden",
    "ssh_allowed_commands cannot be held on a Windows server: its shell does not quote as others do",
  );
}
