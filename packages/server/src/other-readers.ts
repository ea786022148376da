/** What `stat` tells of a file, as far as it says who may read it. */
export interface FileAccess {
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
}

/** Whom this process is; undefined where the system has no such numbers. */
export interface ProcessIdentity {
  readonly uid: number;
  readonly gid: number;
}

const OTHERS = 0o007;
const GROUP_AND_OTHERS = 0o077;
const GROUP_WRITES = 0o020;

/**
 * Whether a file with a secret is open to more than those who need it. A file of root's that the process may read by its
 * own group alone is how Kubernetes gives a secret to a user (`fsGroup`, `defaultMode: 0440`): there is no narrower way.
 * Of the process's own files, the group has no need to read any.
 */
export function isOpenToOthers(file: FileAccess, self: ProcessIdentity | undefined): boolean {
  if ((file.mode & OTHERS) !== 0) return true;
  const isHandedByRoot =
    self !== undefined && self.uid !== 0 && file.uid === 0 && file.gid === self.gid && self.gid !== 0;
  return (file.mode & (isHandedByRoot ? GROUP_WRITES : GROUP_AND_OTHERS)) !== 0;
}
