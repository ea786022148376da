import type { PostgresConfig } from "../../auth-strategies/session-types/postgres.js";
import { warningNotice } from "./error-response.js";
import type { StartupMessage } from "./startup-packet.js";

/** Without an encoding that both ends have agreed on, no other characters can be said. */
const ASCII = /^[\x20-\x7e]*$/;

/**
 * What a client is told that names another database than the service's, where it stays all the same. A name that is
 * that of the client's user says nothing: it is what clients send for none.
 */
export function otherDatabaseNotice(
  { postgres_user, postgres_db = postgres_user }: PostgresConfig,
  { parameters }: StartupMessage,
): Buffer | undefined {
  const named = parameters.find(({ name }) => name === "database")?.value;
  const user = parameters.find(({ name }) => name === "user")?.value;
  if (named === undefined || named.length === 0) return undefined;
  if (named.equals(Buffer.from(postgres_db)) || user?.equals(named) === true) return undefined;
  const where = ASCII.test(postgres_db) ? `the database "${postgres_db}"` : "the service's database";
  return warningNotice(`this session stays in ${where}; it does not lead to the other that was named`);
}
