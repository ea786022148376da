import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { onTestFinished } from "vitest";

import { NewWithToken, type ClientOptions, type VaultClient } from "../index.js";
import { startRecordingServer, type RecordingServer } from "./recording-server.js";

export const TOKEN = `tok_${"a".repeat(43)}`;

/** A server that is stopped when the test ends. */
export async function serve(...args: Parameters<typeof startRecordingServer>): Promise<RecordingServer> {
  const server = await startRecordingServer(...args);
  onTestFinished(() => server[Symbol.asyncDispose]());
  return server;
}

export function clientOf(server: RecordingServer, options: ClientOptions = {}): VaultClient {
  const client = NewWithToken(server.addr, TOKEN, options);
  onTestFinished(() => client.close());
  return client;
}

/** A directory that is gone after the test. */
export async function scratchDirectory(): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), "vault-client-"));
  onTestFinished(() => rm(directory, { recursive: true }));
  return directory;
}
