import type { WireSocket } from "../../wire/wire-socket.js";
import { readWholeCommand } from "./client-login.js";
import { REDIS_LIMITS } from "./limits.js";
import { replyError } from "./login-command.js";

/**
 * Tells a client that it gets no server, and closes its connection. An error is the answer to a command: libraries
 * stumble over one that comes before they asked for anything, and overlook one that answers the commands by which they
 * tell their name. So each command is answered with it, for a while.
 *
 * @param message a sentence for a person
 * @param hasAsked whether the client waits for an answer already
 */
export async function refuse(client: WireSocket, message: string, hasAsked: boolean): Promise<void> {
  const error = replyError("ERR", message);
  let isTold = hasAsked;
  const end = (): Promise<void> => client.end(isTold ? "" : error);
  const timer = setTimeout(() => void end(), REDIS_LIMITS.refusalMs);
  try {
    if (hasAsked) await client.write(error);
    for (let count = 0; count < REDIS_LIMITS.refusedCommands; count += 1) {
      const { command } = await client.read(readWholeCommand, REDIS_LIMITS.commandBytes);
      if (command === undefined) continue;
      isTold = true;
      await client.write(error);
    }
  } catch {
    // It is gone, or sends what nobody can answer.
  } finally {
    clearTimeout(timer);
  }
  await end();
}
