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
  const permit = await call.permit({ command: request.command });
  // Either rule has judged what the caller wrote; where both did, both quote the same words.
  const command =
    allowedCommands === undefined
      ? (permit.command ?? request.command)
      : admit(request.command, allowedCommands);
  const isQuoted = allowedCommands !== undefined || permit.command !== undefined;
  return call.withChannel({
    open(connection) {
      if (isQuoted) refuseOtherShells(connection);
      return connection.exec(command);
    },
    async use(channel) {
      if (!call.signal.aborted) request.onStarted?.();
      call.countBytes(request.stdin?.length ?? 0);
      const end = await runCommand(channel, {
        ...request,
        signal: call.signal,
        takeOutput(stream, chunk) {
          call.countBytes(chunk.length);
          return request.takeOutput(stream, chunk);
        },
      });
      call.note(end);
      return end;
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
    "commands cannot be limited on a Windows server: its shell does not quote as others do",
  );
}
