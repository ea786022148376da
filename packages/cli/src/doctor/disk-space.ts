import { sizeText } from "../size-text.js";
import { fail, ok, warn, type Finding } from "./finding.js";

const MIB = 1024 * 1024;
/** Each change writes the vault anew beside the old one, and no call is made that the audit log has no room for. */
const LEAST_BYTES = 4 * MIB;
/** What the audit log takes before it is rotated. */
const ENOUGH_BYTES = 100 * MIB;

/** As `statfs` has them. */
export interface DiskSpace {
  readonly blocks: number;
  readonly bsize: number;
  /** In blocks, for who is not root. */
  readonly bavail: number;
}

/** Of the file system of the data directory; of one that does not tell its size, nothing is said. */
export function diskSpaceFindings(dataDir: string, stats: DiskSpace | undefined): Finding[] {
  if (stats === undefined || stats.blocks === 0) return [];
  const free = stats.bavail * stats.bsize;
  if (free >= ENOUGH_BYTES) return [ok("disk", "the vault and its audit log have room")];
  const text = `${sizeText(free)} left on the disk of ${dataDir}`;
  return free < LEAST_BYTES
    ? [fail("disk", `${text}: changes and calls will be refused`, "make room on that disk")]
    : [warn("disk", `${text}, and the audit log grows by up to 100 MiB a file`, "make room on that disk")];
}
