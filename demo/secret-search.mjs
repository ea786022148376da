/** Looking for secrets where they must not be: in texts, under a directory, in the list of processes. */
import { execFileSync } from "node:child_process";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import path from "node:path";

const LOOK_EVERY_MS = 50;

/**
 * Whether the bytes hold the secret: as it is, or in base64 or hex.
 *
 * @param {string | Buffer} where
 * @param {string} secret
 */
export function holds(where, secret) {
  const bytes = Buffer.from(where);
  const forms = ["utf8", "hex", "base64"].map((form) => {
    const text = Buffer.from(secret).toString(/** @type {BufferEncoding} */ (form));
    // The last characters of base64 depend on what follows the secret.
    return form === "base64" ? text.slice(0, -4) : text;
  });
  return forms.some((form) => bytes.includes(form));
}

/**
 * @param {string} directory
 * @param {string[]} secrets
 * @returns {{ files: number, found: string[] }} How many files were read, and which hold one.
 */
export function searchDirectory(directory, secrets) {
  const files = readdirSync(directory, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => path.join(entry.parentPath, entry.name));
  const found = files.filter((file) => {
    const content = readFileSync(file);
    return secrets.some((secret) => holds(content, secret));
  });
  return { files: files.length, found };
}

/**
 * Looks at the arguments of every process of the machine, again and again, until stopped.
 *
 * @param {Set<string>} secrets What to look for; may grow.
 */
export function watchProcessList(secrets) {
  const result = { looks: 0, found: false };
  const look = () => {
    const list = processList();
    result.looks += 1;
    result.found ||= [...secrets].some((secret) => holds(list, secret));
  };
  look();
  const timer = setInterval(look, LOOK_EVERY_MS);
  return {
    stop() {
      clearInterval(timer);
      look();
      return result;
    },
  };
}

function processList() {
  if (!existsSync("/proc/self/cmdline")) {
    return execFileSync("ps", ["-axww", "-o", "command"], { encoding: "utf8" });
  }
  const lines = readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .map((id) => {
      try {
        return readFileSync(`/proc/${id}/cmdline`, "utf8");
      } catch {
        // It ended between the two reads.
        return "";
      }
    });
  return lines.join("\n");
}
