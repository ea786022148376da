import { execFile } from "node:child_process";
import { cleanEnvironment } from "../live/processes.js";

export interface CurlResult {
  /** 67: the login was refused; 60: the certificate was; 64: there is no TLS. */
  readonly exitCode: number;
  readonly stdout: string;
  /** With `--verbose`: what was said, `> ` before the client's lines, `< ` before the server's. */
  readonly stderr: string;
}

/** Runs curl to its end, as a client of IMAP or SMTP. */
export function curl(...args: readonly string[]): Promise<CurlResult> {
  return new Promise((resolve) => {
    const options = { env: cleanEnvironment(), maxBuffer: 64 * 1024 * 1024 };
    execFile(
      "curl",
      ["--silent", "--verbose", "--max-time", "20", ...args],
      options,
      (error, stdout, stderr) =>
        resolve({
          exitCode: typeof error?.code === "number" ? error.code : error === null ? 0 : -1,
          stdout,
          stderr,
        }),
    );
  });
}
