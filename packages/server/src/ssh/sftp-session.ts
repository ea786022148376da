import type { SFTPWrapper } from "ssh2";
import { VaultProxyError } from "../errors/vault-proxy-error.js";
import { SFTP_STATUS, SftpStatusError } from "./sftp-failure.js";
import { SSH_LIMITS } from "./ssh-limits.js";

export type FileKind = "file" | "directory" | "link" | "other";

export interface FileAttributes {
  readonly kind: FileKind;
  /** Bytes; undefined where the server does not say. */
  readonly size: number | undefined;
}

/** An open file. */
export type FileHandle = Buffer;

/**
 * The requests of SFTP that transfers need (draft-ietf-secsh-filexfer-02; OpenSSH's PROTOCOL file for what it adds).
 * Each rejects with an `SftpStatusError`, with a VaultProxyError if there is no answer or none that makes sense, or with
 * the signal's reason.
 */
export interface SftpSession {
  /** Rejects with the reason when nothing can be asked any more. */
  readonly ended: Promise<never>;
  /** Whether the server has what OpenSSH added to the protocol. */
  readonly canReplace: boolean;
  readonly canSync: boolean;
  readonly canTellSpace: boolean;
  /** Of the path itself, if it is a link. */
  lstat(path: string): Promise<FileAttributes>;
  fstat(handle: FileHandle): Promise<FileAttributes>;
  readlink(path: string): Promise<string>;
  realpath(path: string): Promise<string>;
  mkdir(path: string, mode: number): Promise<void>;
  openToRead(path: string): Promise<FileHandle>;
  /** Fails if there is anything of that name, a link too. */
  create(path: string, mode: number): Promise<FileHandle>;
  /** Resolves with what there is, up to `length`; with nothing at the file's end. */
  read(handle: FileHandle, offset: number, length: number): Promise<Buffer>;
  write(handle: FileHandle, bytes: Buffer, offset: number): Promise<void>;
  setMode(handle: FileHandle, mode: number): Promise<void>;
  sync(handle: FileHandle): Promise<void>;
  close(handle: FileHandle): Promise<void>;
  remove(path: string): Promise<void>;
  /** Fails if there is something of the new name (§6.5). */
  rename(from: string, to: string): Promise<void>;
  /** The same, in place of what is there. */
  replace(from: string, to: string): Promise<void>;
  /** How much the user can still store where `path` is. */
  freeSpace(path: string): Promise<{ readonly bytes: number; readonly files: number }>;
}

export interface SftpSessionOptions {
  /** Ends every request with its reason. */
  readonly signal: AbortSignal;
  /** How long the server may say nothing while something is asked. */
  readonly answerMs?: number | undefined;
}

/** What is used of the library's inside. */
interface LibrarySession {
  readonly _extensions: Readonly<Record<string, string | undefined>>;
}

/** With what the library passes to a callback; what kind of answer came is up to the server. */
type Done = (error?: unknown, value?: unknown, ...more: unknown[]) => void;

const NOTHING = Buffer.alloc(0);
const LONGEST_HANDLE = 256;

export function createSftpSession(
  sftp: SFTPWrapper,
  { signal, answerMs = SSH_LIMITS.sftpAnswerMs }: SftpSessionOptions,
): SftpSession {
  const open = new Set<(reason: Error) => void>();
  let over: { readonly reason: VaultProxyError } | undefined;
  let timer: NodeJS.Timeout | undefined;
  let rejectEnded: (reason: VaultProxyError) => void = () => undefined;
  const ended = new Promise<never>((_, reject) => (rejectEnded = reject));
  ended.catch(() => undefined);

  const end = (reason: VaultProxyError): void => {
    over ??= { reason };
    clearTimeout(timer);
    rejectEnded(over.reason);
    for (const reject of open) reject(over.reason);
    open.clear();
  };
  const fail = (sentence: string): VaultProxyError => {
    const error = new VaultProxyError("upstream_failed", sentence);
    end(error);
    return error;
  };
  const watch = (): void => {
    clearTimeout(timer);
    if (open.size === 0 || over !== undefined) return;
    timer = setTimeout(() => {
      end(new VaultProxyError("upstream_timeout", "the server does not answer any more"));
    }, answerMs);
  };
  sftp.on("error", () => fail("the server does not keep to SFTP, which files are moved by"));
  sftp.on("close", () => fail("the connection to the server was lost"));
  signal.addEventListener("abort", () => end(signal.reason as VaultProxyError), { once: true });
  if (signal.aborted) end(signal.reason as VaultProxyError);

  /** @param read makes the result of what came; undefined if it cannot be one */
  const ask = <T>(start: (done: Done) => unknown, read: (value: unknown) => T | undefined): Promise<T> => {
    if (over !== undefined) return Promise.reject(over.reason);
    return new Promise<T>((resolve, reject) => {
      open.add(reject);
      const done: Done = (error, value) => {
        if (!open.delete(reject)) return;
        watch();
        if (error !== undefined && error !== null) {
          const status = (error as { readonly code?: unknown }).code;
          // Without a status it is the library that speaks: the channel is gone, or the answer was a wrong one.
          reject(
            typeof status === "number"
              ? new SftpStatusError(status)
              : fail("the server broke off the transfer"),
          );
          return;
        }
        const result = read(value);
        if (result === undefined) reject(fail("the server does not keep to SFTP, which files are moved by"));
        else resolve(result);
      };
      if (open.size === 1) watch();
      try {
        start(done);
      } catch {
        open.delete(reject);
        reject(fail("the connection to the server was lost"));
      }
    });
  };
  const order = async (start: (done: Done) => unknown): Promise<void> => {
    await ask(start, () => true);
  };
  const has = (extension: string, version: string): boolean =>
    (sftp as unknown as LibrarySession)._extensions[extension] === version;

  return {
    ended,
    canReplace: has("posix-rename@openssh.com", "1"),
    canSync: has("fsync@openssh.com", "1"),
    canTellSpace: has("statvfs@openssh.com", "2"),
    lstat: (path) => ask((done) => sftp.lstat(path, done), toAttributes),
    fstat: (handle) => ask((done) => sftp.fstat(handle, done), toAttributes),
    readlink: (path) => ask((done) => sftp.readlink(path, done), toText),
    realpath: (path) => ask((done) => sftp.realpath(path, done), toText),
    mkdir: (path, mode) => order((done) => sftp.mkdir(path, { mode }, done)),
    openToRead: (path) => ask((done) => sftp.open(path, "r", done), toHandle),
    create: (path, mode) => ask((done) => sftp.open(path, "wx", { mode }, done), toHandle),
    read(handle, offset, length) {
      const buffer = Buffer.allocUnsafe(length);
      return ask(
        (done) =>
          sftp.read(handle, buffer, 0, length, offset, (error: unknown, count: unknown) => {
            const isEnd = (error as { readonly code?: unknown } | undefined)?.code === SFTP_STATUS.eof;
            if (isEnd) done(undefined, 0);
            else done(error, count);
          }),
        (count) =>
          typeof count === "number" && count >= 0 && count <= length
            ? count === 0
              ? NOTHING
              : buffer.subarray(0, count)
            : undefined,
      );
    },
    write: (handle, bytes, offset) =>
      order((done) => sftp.write(handle, bytes, 0, bytes.length, offset, done)),
    setMode: (handle, mode) => order((done) => sftp.fsetstat(handle, { mode }, done)),
    sync: (handle) => order((done) => sftp.ext_openssh_fsync(handle, done)),
    close: (handle) => order((done) => sftp.close(handle, done)),
    remove: (path) => order((done) => sftp.unlink(path, done)),
    rename: (from, to) => order((done) => sftp.rename(from, to, done)),
    replace: (from, to) => order((done) => sftp.ext_openssh_rename(from, to, done)),
    freeSpace: (path) => ask((done) => sftp.ext_openssh_statvfs(path, done), toFreeSpace),
  };
}

/** The type's bits of st_mode (stat(2)), which servers send as they are. */
const TYPE_MASK = 0o170000;
const KINDS: ReadonlyMap<number, FileKind> = new Map([
  [0o100000, "file"],
  [0o040000, "directory"],
  [0o120000, "link"],
]);

function toAttributes(value: unknown): FileAttributes | undefined {
  if (!isObject(value) || Buffer.isBuffer(value) || Array.isArray(value)) return undefined;
  const { mode, size } = value;
  return {
    kind: (typeof mode === "number" ? KINDS.get(mode & TYPE_MASK) : undefined) ?? "other",
    size: typeof size === "number" && Number.isSafeInteger(size) && size >= 0 ? size : undefined,
  };
}

function toText(value: unknown): string | undefined {
  return typeof value === "string" ? value : undefined;
}

function toHandle(value: unknown): FileHandle | undefined {
  // A copy: the library gives a view of the packet.
  return Buffer.isBuffer(value) && value.length <= LONGEST_HANDLE ? Buffer.from(value) : undefined;
}

function toFreeSpace(value: unknown): { bytes: number; files: number } | undefined {
  if (!isObject(value)) return undefined;
  const { f_frsize: unit, f_bavail: units, f_favail: files } = value;
  if (typeof unit !== "number" || typeof units !== "number" || typeof files !== "number") return undefined;
  return { bytes: unit * units, files };
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null;
}
