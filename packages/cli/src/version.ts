import { readFileSync } from "node:fs";
import { packageFile } from "./package-file.js";

/** The version of the installed package. */
export function readVersion(): string {
  const manifest = JSON.parse(readFileSync(packageFile("package.json"), "utf8")) as {
    version: string;
  };
  return manifest.version;
}
