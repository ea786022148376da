import { existsSync, readdirSync } from "node:fs";
import { chown, mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { open } from "../live/vault-calls.js";
import type { RunningSshd } from "../real-servers/openssh.js";
import { stallUpload } from "../ssh/moved-files.js";
import type { SshVault } from "../ssh/ssh-vault.js";
import type { RunningUse } from "./running-uses.js";

/** A use whose client has to do something to see that it has ended. */
export interface UnreadUse extends RunningUse {
  /** To be called when it must have ended. */
  readOn(): void;
}

/** More than a vault, and the system for it, takes of a file that nobody reads. */
const DOWNLOADED_BYTES = 48 * 1024 * 1024;
const UPLOADED_BYTES = 500_000;

/** Where files of a test's user are moved to and from. */
export interface TransferPlace {
  readonly vault: SshVault;
  readonly sshd: RunningSshd;
  readonly service: string;
}

/** Stores the file that {@link beginDownload} asks for. */
export async function storeDownloadedFile({ sshd }: Pick<TransferPlace, "sshd">): Promise<void> {
  await writeFile(downloadedFile(sshd), Buffer.alloc(DOWNLOADED_BYTES, "x"));
  await chown(downloadedFile(sshd), sshd.uid, sshd.gid);
}

function downloadedFile(sshd: RunningSshd): string {
  return join(sshd.home, "downloaded");
}

/**
 * An upload whose sender stops in the middle of the file.
 * @param name of a directory that is made for it
 */
export async function beginUpload(place: TransferPlace, token: string, name: string): Promise<RunningUse> {
  const { vault, sshd, service } = place;
  const directory = join(sshd.home, name);
  await mkdir(directory);
  await chown(directory, sshd.uid, sshd.gid);
  const target = join(directory, "uploaded");
  const { socket, answer } = stallUpload(vault, service, target, UPLOADED_BYTES, token);
  const ended = answer.then(async (text) => {
    const status = /^HTTP\/1\.1 (\d+)/.exec(text)?.[1] ?? "no answer";
    if (existsSync(target)) return `${status}, but the file is there`;
    return (await isEmpty(directory)) ? status : `${status}, but a part of the file is there`;
  });
  const check = async (): Promise<void> => {
    // What has come so far is under another name.
    if (await isEmpty(directory)) throw new Error("no upload is under way");
    if (existsSync(target)) throw new Error("the upload is over");
  };
  await waitUntil(() => readdirSync(directory).length > 0);
  return { kind: "SSH upload", ended, check, close: () => socket.destroy() };
}

/** A download that nobody reads until it has to be over, which is seen then: the rest of the file does not come. */
export async function beginDownload(place: TransferPlace, token: string): Promise<UnreadUse> {
  const { vault, sshd, service } = place;
  const response = await open(vault.server.address, "POST", `/ssh/${service}/download`, {
    token,
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify({ remote_path: downloadedFile(sshd) }),
  });
  if (response.headers["content-length"] !== String(DOWNLOADED_BYTES)) {
    throw new Error(`no download: ${String(response.statusCode)}`);
  }
  const ended = new Promise<string>((resolve) => {
    let bytes = 0;
    response.on("end", () => resolve(`end after ${String(bytes)} bytes`));
    response.on("error", () => resolve(bytes < DOWNLOADED_BYTES ? "broken off" : "broken off at its end"));
    response.pause().on("data", (chunk: Buffer) => (bytes += chunk.length));
  });
  return {
    kind: "SSH download",
    ended,
    check: () => (response.destroyed ? Promise.reject(new Error("gone")) : Promise.resolve()),
    readOn: () => void response.resume(),
    close: () => response.destroy(),
  };
}

/** The file of an upload that has ended is removed within a moment. */
async function isEmpty(directory: string): Promise<boolean> {
  return waitUntil(() => readdirSync(directory).length === 0, 20).then(
    () => true,
    () => false,
  );
}

async function waitUntil(isSo: () => boolean, rounds = 500): Promise<void> {
  for (let round = 0; !isSo(); round += 1) {
    if (round === rounds) throw new Error("it did not come to that");
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}
