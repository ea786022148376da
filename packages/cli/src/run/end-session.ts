import { connectWithToken } from "../connection.js";
import { CliError, reasonText } from "../failures.js";
import { readSession, removeSession, type Session } from "../session-file.js";
import { giveUpToken } from "./agent-token.js";

export interface EndedSession {
  /** What could not be done about it. */
  readonly warning?: string;
}

export interface SessionPlace {
  readonly sessionPath: string;
  /** The vault that is used now, as session files call it. */
  readonly address: string;
  readonly allowInsecure?: boolean | undefined;
}

/**
 * Takes the admin session from the programs of this user: revokes its token, then removes its file.
 * @returns undefined when there is none
 * @throws CliError where the token, of the vault that is used now, stays valid
 */
export async function endAdminSession(place: SessionPlace): Promise<EndedSession | undefined> {
  const { sessionPath, address } = place;
  const session = await readSession(sessionPath).catch((): Session => ({ token: "", address: "" }));
  if (session === undefined) return undefined;
  const reason = await revoke(place, session);
  if (reason !== undefined && session.address === address) {
    throw new CliError(
      `the admin session could not be ended: ${reason}`,
      "nothing was run; --keep-session runs it all the same",
    );
  }
  await removeSession(sessionPath);
  if (reason === undefined) return {};
  return { warning: `the removed session may still be valid until it expires: ${reason}` };
}

async function revoke(place: SessionPlace, session: Session): Promise<string | undefined> {
  if (session.address === "") return "its file does not say which vault it is of";
  const { sessionPath, allowInsecure } = place;
  try {
    const options = { addr: session.address, allowInsecure };
    return await giveUpToken(await connectWithToken({ options, env: {}, sessionPath }));
  } catch (error) {
    return reasonText(error);
  }
}
