import type { SshAccess } from "../auth-strategies/auth-strategy.js";
import { VaultProxyError } from "../errors/vault-proxy-error.js";
import {
  cleanRemotePath,
  FORBIDDEN_DIRECTORIES,
  isForbiddenPath,
  isUnderAllowed,
  parseAllowedPath,
} from "../ssh-rules/remote-path.js";
import { locate } from "./remote-location.js";
import type { SftpSession } from "./sftp-session.js";

type Rules = Pick<SshAccess, "allowedCommands" | "allowedPaths">;

/**
 * Whether files may be moved at all: where commands are chosen, to write a start-up file of a shell would be a way round.
 * @throws VaultProxyError `forbidden`
 */
export function requireTransfers({ allowedCommands, allowedPaths }: Rules): void {
  if (allowedCommands !== undefined && allowedPaths === undefined) {
    throw new VaultProxyError(
      "forbidden",
      "this service has ssh_allowed_commands: files can be moved only if it has ssh_allowed_paths too",
    );
  }
}

/**
 * The one spelling of a path that may be asked for, by its text.
 * @throws VaultProxyError `invalid_request`, `forbidden`
 */
export function admitPath(path: string, rules: Rules): string {
  requireTransfers(rules);
  const cleaned = cleanRemotePath(path);
  if (!cleaned.ok) throw new VaultProxyError("invalid_request", `remote_path: ${cleaned.reason}`);
  if (isForbiddenPath(cleaned.path)) throw forbiddenDirectory();
  if (rules.allowedPaths !== undefined && !isUnderAllowed(cleaned.path, rules.allowedPaths))
    throw notAllowed();
  return cleaned.path;
}

/** Judges paths as a server resolved them. */
export interface ServerRules {
  /** @throws VaultProxyError `invalid_request`, `forbidden` */
  admit(resolved: string): void;
}

/** Looks up where the forbidden and the allowed directories are at this server, and where the user's own keys are. */
export async function readServerRules(
  session: SftpSession,
  { allowedPaths }: Rules,
  policyLists: readonly (readonly string[])[],
): Promise<ServerRules> {
  const where = async (path: string): Promise<string> =>
    (await locate(session, path, { isLenient: true })).path;
  const shownHome = await session.realpath(".");
  if (!shownHome.startsWith("/")) {
    throw new VaultProxyError("upstream_failed", "the server does not say where its user is at home");
  }
  const [forbidden, homes, home, keys, allowed] = await Promise.all([
    Promise.all(FORBIDDEN_DIRECTORIES.map(where)),
    where(HOMES),
    where(shownHome),
    where(`${shownHome}/.ssh`),
    whereAllAllowed(session, allowedPaths ?? []),
  ]);
  const ofPolicies = await Promise.all(policyLists.map((list) => whereAllAllowed(session, list)));
  const furtherDirectories = [...forbidden, keys, `${home}/.ssh`];
  const parentsOfHomes = [homes, home.slice(0, home.lastIndexOf("/"))];
  return {
    admit(resolved) {
      if (
        isForbiddenPath(resolved, furtherDirectories) ||
        parentsOfHomes.some((parent) => isForbiddenPath(asUnderHome(resolved, parent)))
      ) {
        throw forbiddenDirectory();
      }
      if (allowedPaths !== undefined && !isIn(resolved, allowed)) throw notAllowed();
      if (!ofPolicies.every((list) => isIn(resolved, list))) {
        throw new VaultProxyError(
          "policy_denied",
          "remote_path: leads out of what the token's policy allows",
        );
      }
    },
  };
}

const HOMES = "/home";

/** On some systems the users' directories are not in /home, or that is a link: their keys are no less theirs. */
function asUnderHome(resolved: string, parent: string): string {
  return parent !== "" && parent !== "/" && isForbiddenPath(resolved, [parent])
    ? `${HOMES}${resolved.slice(parent.length)}`
    : resolved;
}

/** Where an entry of a list of allowed paths is. */
interface AllowedPlace {
  readonly within: string;
  readonly itself: string;
}

function isIn(resolved: string, places: readonly AllowedPlace[]): boolean {
  return places.some(({ within, itself }) => resolved === itself || isUnderAllowed(resolved, [within]));
}

function whereAllAllowed(session: SftpSession, entries: readonly string[]): Promise<AllowedPlace[]> {
  return Promise.all(entries.map((entry) => whereAllowed(session, entry)));
}

/** An entry may be a link itself: what it leads to is allowed, and so is the link, which an upload replaces. */
async function whereAllowed(session: SftpSession, written: string): Promise<AllowedPlace> {
  const parsed = parseAllowedPath(written);
  if (!parsed.ok) throw new VaultProxyError("internal", "this service's ssh_allowed_paths cannot be read");
  const entry = parsed.path;
  const lastSlash = entry.lastIndexOf("/");
  const [within, parent] = await Promise.all([
    locate(session, entry, { isLenient: true }),
    locate(session, entry.slice(0, lastSlash) || "/", { isLenient: true }),
  ]);
  return { within: within.path, itself: inDirectory(parent.path, entry.slice(lastSlash + 1)) };
}

/** The path of a name in a directory. */
export function inDirectory(directory: string, name: string): string {
  return directory === "/" ? `/${name}` : `${directory}/${name}`;
}

function forbiddenDirectory(): VaultProxyError {
  return new VaultProxyError(
    "invalid_request",
    "remote_path: is in a directory that no transfer touches: the system's own, or one with keys",
  );
}

function notAllowed(): VaultProxyError {
  return new VaultProxyError("forbidden", "remote_path: is not in ssh_allowed_paths of this service");
}
