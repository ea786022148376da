import { execFile } from "node:child_process";
import { mkdir, readFile, rm } from "node:fs/promises";
import { basename, join } from "node:path";
import { promisify } from "node:util";

const run = promisify(execFile);

/** A mounted file system. */
export interface Mount {
  readonly path: string;
  unmount(): Promise<void>;
}

/** An ext4 file system in a file: what is in the file is what a disk would hold after a power cut. */
export interface DiskImage extends Mount {
  /**
   * Copies the image as it is now; what only the page cache of the mounted file system has is not in it.
   *
   * @returns false if the disk was written to meanwhile, so that the copy is of no one moment.
   */
  copyTo(file: string): Promise<boolean>;
}

/** Mounts what it is asked for below a directory, and can take everything away again, whatever has happened. */
export class Mounts {
  readonly #directory: string;
  readonly #mounted = new Set<Mount>();
  #count = 0;

  constructor(directory: string) {
    this.#directory = directory;
  }

  async newDisk(mebibytes: number): Promise<DiskImage> {
    const file = join(this.#directory, `disk-${(this.#count += 1)}.ext4`);
    await run("truncate", ["-s", `${mebibytes}M`, file]);
    await run("mkfs.ext4", ["-q", "-F", "-E", "lazy_itable_init=0,lazy_journal_init=0", file]);
    const mount = await this.mountImage(file);
    const { stdout } = await run("findmnt", ["-n", "-o", "SOURCE", mount.path]);
    const statistics = `/sys/block/${basename(stdout.trim())}/stat`;
    return {
      ...mount,
      async copyTo(copy) {
        const before = await writesOf(statistics);
        await run("cp", ["--sparse=always", file, copy]);
        return before === (await writesOf(statistics));
      },
    };
  }

  /** Mounts an ext4 image, after the kernel has replayed its journal. */
  mountImage(file: string): Promise<Mount> {
    // auto_da_alloc would write a file out before it is renamed: kind to programs that forget to.
    return this.#mount(["-t", "ext4", "-o", "loop,noauto_da_alloc", file]);
  }

  /** An empty file system in memory. `inodes` of 0 is as many as one likes. */
  newTmpfs(size: string, inodes = 0): Promise<Mount> {
    return this.#mount([
      "-t",
      "tmpfs",
      "-o",
      `size=${size},nr_inodes=${inodes},mode=0700`,
      "vault-proxy-test",
    ]);
  }

  async unmountAll(): Promise<void> {
    for (const mount of [...this.#mounted].reverse()) await mount.unmount();
  }

  async #mount(args: readonly string[]): Promise<Mount> {
    const path = join(this.#directory, `mount-${(this.#count += 1)}`);
    await mkdir(path);
    await run("mount", [...args, path]);
    const mount: Mount = {
      path,
      unmount: async () => {
        if (!this.#mounted.delete(mount)) return;
        // Lazily only where something still holds it: the loop device goes with the last user.
        await run("umount", [path]).catch(() => run("umount", ["--lazy", path]));
        await rm(path, { recursive: true });
      },
    };
    this.#mounted.add(mount);
    return mount;
  }
}

/** Writes and flushes that the device has finished, and what is under way (Documentation/block/stat.rst). */
async function writesOf(statistics: string): Promise<string> {
  const fields = (await readFile(statistics, "utf8")).trim().split(/\s+/);
  const [writes, underWay, flushes] = [fields[4], fields[8], fields[15]];
  return [writes, underWay, flushes].join();
}
