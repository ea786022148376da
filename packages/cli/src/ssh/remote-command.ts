import type { CommandContext } from "../command-context.js";
import { CliError } from "../failures.js";

export interface RemoteCommand {
  readonly service: string;
  /** As the server's shell reads it. */
  readonly command: string;
  /** Seconds. */
  readonly timeout: number | undefined;
  /** Whether it reads standard input; otherwise it gets none, so that an inherited one cannot make it wait. */
  readonly takesInput: boolean;
}

/** Bytes. In base64 it must fit, with the command, into a JSON body of 1 MB. */
const MAX_INPUT_BYTES = 700 * 1024;

/**
 * Runs a command at a server, and passes its output on as it comes. A signal just ends this process, also while nobody
 * reads what it writes, and by that the call: the vault ends the remote process then.
 * @returns its exit code
 */
export async function runRemoteCommand(context: CommandContext, remote: RemoteCommand): Promise<number> {
  const { output } = context;
  const { service, command, timeout } = remote;
  const client = await context.connect("token");
  const stdin = remote.takesInput ? await readInput(context.stdin) : undefined;
  if (output.json) {
    const result = await client.sshExec(service, command, { timeout, stdin });
    output.data(result);
    return result.exit_code;
  }
  for await (const event of client.sshExecStream(service, command, { timeout, stdin })) {
    if (event.type !== "exit") {
      await output.bytes(event.data, event.type);
      continue;
    }
    if (event.truncated) output.warn("what the command put out beyond 10 MiB was dropped");
    return event.exit_code;
  }
  throw new CliError("the answer was cut off on the way");
}

async function readInput(stdin: CommandContext["stdin"]): Promise<Uint8Array> {
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of stdin as AsyncIterable<Buffer | string>) {
    const bytes = Buffer.from(chunk);
    length += bytes.length;
    if (length > MAX_INPUT_BYTES) {
      throw new CliError(
        `standard input is longer than the ${MAX_INPUT_BYTES / 1024} KiB that a command can be given`,
        "upload it as a file, and let the command read that",
      );
    }
    chunks.push(bytes);
  }
  return Buffer.concat(chunks);
}
