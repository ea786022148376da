import { VaultProxyError } from "../../errors/vault-proxy-error.js";
import type { ErrorCode } from "../../errors/error-codes.js";
import { loginRefused } from "../session-failure.js";

/** SQLSTATEs of our own answers (PostgreSQL documentation, Appendix A). */
export const SQLSTATE = {
  warning: "01000",
  cannotConnect: "08001",
  protocolViolation: "08P01",
  featureNotSupported: "0A000",
  invalidAuthorization: "28000",
  invalidPassword: "28P01",
  tooManyConnections: "53300",
} as const;

/** A failure whose SQLSTATE says more than its code. */
export class PostgresFailure extends VaultProxyError {
  readonly sqlState: string;

  constructor(code: ErrorCode, sqlState: string, text: string) {
    super(code, text);
    this.sqlState = sqlState;
  }
}

/** The SQLSTATE that a client is told with a failure. */
export function sqlStateOf(failure: VaultProxyError): string {
  if (failure instanceof PostgresFailure) return failure.sqlState;
  return failure.code === "upstream_login_failed" ? SQLSTATE.invalidAuthorization : SQLSTATE.cannotConnect;
}

const WRONG_PARAMETERS = "the server refused a start-up parameter of the client";
const SHORT_OF_RESOURCES = "the server is short of resources";

/** What a server may say instead of letting one in. Its own text stays unread. */
const REFUSALS: ReadonlyMap<string, string> = new Map([
  ["08P01", "the server found a fault in the protocol"],
  ["0A000", "the server does not support what the client asked for"],
  ["22023", WRONG_PARAMETERS],
  ["22P02", WRONG_PARAMETERS],
  ["42501", "the service's user has no permission to do this"],
  ["42601", WRONG_PARAMETERS],
  ["42704", WRONG_PARAMETERS],
  ["3D000", "the service's database does not exist"],
  ["53000", SHORT_OF_RESOURCES],
  ["53100", SHORT_OF_RESOURCES],
  ["53200", SHORT_OF_RESOURCES],
  ["53300", "the server has too many connections"],
  ["55000", "the service's database takes no connections"],
  ["57P01", "the server is being shut down"],
  ["57P02", "the server crashed"],
  ["57P03", "the server takes no connections now: it is starting up or being shut down"],
  ["57P05", "the server closed the connection for being idle"],
]);

/**
 * What an ErrorResponse of the server in the log-in means.
 * @param sqlState as the server sent it; one that is not known here is not passed on, as it could be anything
 */
export function serverRefusal(sqlState: string | undefined): VaultProxyError {
  if (sqlState === SQLSTATE.invalidPassword || sqlState === SQLSTATE.invalidAuthorization)
    return loginRefused();
  const known = sqlState === undefined ? undefined : REFUSALS.get(sqlState);
  if (sqlState === undefined || known === undefined)
    return new PostgresFailure(
      "upstream_failed",
      SQLSTATE.cannotConnect,
      "the server refused the connection",
    );
  return new PostgresFailure("upstream_failed", sqlState, known);
}
