import type { RedisConfig } from "../../auth-strategies/session-types/redis.js";
import { VaultProxyError } from "../../errors/vault-proxy-error.js";
import { ProtocolViolation } from "../../wire/protocol-violation.js";
import type { WireSocket } from "../../wire/wire-socket.js";
import type { ConnectionTools } from "../session-driver.js";
import { loginRefused } from "../session-failure.js";
import { serializeCommand } from "./command.js";
import { REDIS_LIMITS } from "./limits.js";

/** What Redis says of a credential that it does not take, beside WRONGPASS and NOAUTH; the second before Redis 6. */
const REFUSED = /^-(?:WRONGPASS|NOAUTH|NOPERM|ERR invalid (?:username-password pair|password))\b/i;

/** It takes anybody: what was said from Redis 6 on, and before. */
const NEEDS_NO_PASSWORD =
  /^-ERR (?:AUTH <password> called without any password configured|Client sent AUTH, but no password is set)/;

/** Told at any time, also before a command. */
const UNAVAILABLE: readonly (readonly [RegExp, string])[] = [
  [/^-LOADING\b/, "the server is still loading its data"],
  [/^-(?:MASTERDOWN|CLUSTERDOWN)\b/, "the server's replication or cluster is down"],
  [/^-BUSY\b/, "the server is busy with a script"],
  [/^-ERR max number of clients/, "the server takes no more clients"],
  [/^-DENIED\b/, "the server is in protected mode, and takes no clients of other machines"],
];

/**
 * Logs in to the server as the service says, and selects its database: AUTH and SELECT
 * (https://redis.io/docs/latest/commands/auth/). A server that needs no password is taken as it is: it lets everybody in,
 * with or without the credential.
 *
 * @throws VaultProxyError with a sentence of ours; ProtocolViolation for what is no reply
 */
export async function logInToServer(
  plain: WireSocket,
  config: RedisConfig,
  tools: Pick<ConnectionTools, "secure">,
): Promise<WireSocket> {
  const server = config.redis_tls ? (await tools.secure(plain)).wire : plain;
  const { redis_username: username, redis_password: password, redis_db: database } = config;
  const auth = serializeCommand("AUTH", ...(username === undefined ? [] : [username]), password.reveal());
  const select = database === 0 ? Buffer.alloc(0) : serializeCommand("SELECT", String(database));
  // A server that takes no more clients says why and closes: then the writing fails, but the reason can be read.
  server.write(Buffer.concat([auth, select])).catch(() => undefined);

  const answer = await readReply(server);
  if (answer !== "+OK" && !NEEDS_NO_PASSWORD.test(answer)) throw authFailure(answer, username !== undefined);
  if (database !== 0) {
    const selected = await readReply(server);
    if (selected !== "+OK") throw selectFailure(selected, database);
  }
  return server;
}

/** One line: AUTH and SELECT are answered by nothing else. */
async function readReply(server: WireSocket): Promise<string> {
  const line = (await server.readLine(REDIS_LIMITS.loginReplyBytes)).toString("latin1");
  if (!/^[+-][^\r]*\r\n$/.test(line))
    throw new ProtocolViolation("it does not answer as Redis does", "server");
  return line.slice(0, -2);
}

function authFailure(answer: string, hasUsername: boolean): VaultProxyError {
  if (REFUSED.test(answer)) return loginRefused();
  // Before Redis 6 there were no users, and AUTH took the password alone.
  if (hasUsername && answer.startsWith("-ERR wrong number of arguments"))
    return new VaultProxyError(
      "upstream_login_failed",
      "the server knows no users: it is older than Redis 6",
    );
  return unavailable(answer) ?? new VaultProxyError("upstream_login_failed", "the server refused AUTH");
}

function selectFailure(answer: string, database: number): VaultProxyError {
  if (/^-(?:NOPERM|NOAUTH)\b/.test(answer))
    return new VaultProxyError("upstream_login_failed", "the service's user may not select a database");
  return (
    unavailable(answer) ??
    new VaultProxyError("upstream_login_failed", `the server has no database ${database}, or none to select`)
  );
}

function unavailable(answer: string): VaultProxyError | undefined {
  const sentence = UNAVAILABLE.find(([pattern]) => pattern.test(answer))?.[1];
  return sentence === undefined ? undefined : new VaultProxyError("upstream_failed", sentence);
}
