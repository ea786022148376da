import { join } from "node:path";
import type { Readable } from "node:stream";
import type { VaultClient } from "@vault-proxy/client";

import { connectWithToken, connectWithoutToken } from "./connection.js";
import { homeDirectory } from "./home-directory.js";
import type { Environment, Output, OutputStream } from "./output.js";

export interface InputStream extends Readable {
  readonly isTTY?: boolean;
}

/** What `process` gives a command; tests hand in their own. */
export interface ProcessLike {
  readonly argv: readonly string[];
  readonly env: Environment;
  readonly stdin: InputStream;
  readonly stdout: OutputStream;
  readonly stderr: OutputStream;
}

/** Options that every command takes. */
export interface GlobalOptions {
  readonly json?: boolean;
  readonly quiet?: boolean;
  readonly addr?: string;
  readonly allowInsecure?: boolean;
}

export interface CommandContext {
  /** The name that this program was called by. */
  readonly bin: string;
  readonly env: Environment;
  readonly stdin: InputStream;
  readonly stderr: OutputStream;
  readonly output: Output;
  /** Where `unlock` keeps its token. */
  readonly sessionPath: string;
  /** `--allow-insecure`. */
  readonly allowInsecure: boolean;
  /** Without a token it may ask for health and unlock only. */
  readonly connect: (needs: "token" | "no token") => Promise<VaultClient>;
}

export function createContext(
  host: ProcessLike,
  globals: GlobalOptions,
  bin: string,
  output: Output,
): CommandContext {
  const { env, stdin, stderr } = host;
  const sessionPath = join(homeDirectory(), ".vault-proxy", "session");
  return {
    bin,
    env,
    stdin,
    stderr,
    output,
    sessionPath,
    allowInsecure: globals.allowInsecure === true,
    connect: (needs) =>
      needs === "token"
        ? connectWithToken({ options: globals, env, sessionPath })
        : connectWithoutToken({ options: globals }),
  };
}
