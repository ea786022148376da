import { spawn } from "node:child_process";
import { randomUUID } from "node:crypto";
import { openSync } from "node:fs";
import { mkdir, mkdtemp, readFile, rename, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import {
  createAnswerCheck,
  type AnswerCheck,
  type OpenApiDocument,
  type SeenAnswer,
} from "../../packages/server/src/http-api/testing/answer-check.js";

const SERVER = fileURLToPath(new URL("../../packages/server/dist/main.js", import.meta.url));
export const RECORDER = fileURLToPath(new URL("./answer-recorder.mjs", import.meta.url));
const CACHE = fileURLToPath(new URL("../../node_modules/.cache/vault-proxy/", import.meta.url));
/** The first that a child may be given beside its standard ones. */
const RECORD_DESCRIPTOR = 3;
const START_MS = 15_000;
/** More would say nothing new. */
const MOST_TOLD = 5;

/** What servers of a test need to have every answer of their own held against their OpenAPI document at their end. */
export interface RecordedAnswers {
  /** For node, before the program. */
  readonly nodeFlags: readonly string[];
  readonly environment: Readonly<Record<string, string>>;
  /** Both of these, for programs that start a server in their turn, and for commands that are not told to node. */
  readonly inheritedEnvironment: Readonly<Record<string, string>>;
  /**
   * Opens the record for a server that cannot write to its path, being another user's or in a root of its own: to be its
   * file 3, and closed here as soon as it is started.
   */
  open(): { readonly descriptor: number; readonly environment: Readonly<Record<string, string>> };
  /** Rejects if the document does not promise one of the answers as it was, or if nobody recorded. Removes the record. */
  check(): Promise<void>;
}

export function recordAnswers(): RecordedAnswers {
  const path = join(tmpdir(), `vault-proxy-answers-${randomUUID()}`);
  const environment = { RECORDED_ANSWERS: path };
  return {
    nodeFlags: ["--import", RECORDER],
    environment,
    inheritedEnvironment: { ...environment, NODE_OPTIONS: `--import=${RECORDER}` },
    open: () => ({
      descriptor: openSync(path, "a", 0o600),
      environment: { RECORDED_ANSWERS: String(RECORD_DESCRIPTOR) },
    }),
    check: () => checkRecord(path),
  };
}

type RecordLine = SeenAnswer | { readonly recording: true } | { readonly unseen: string };

/** @throws Error as `RecordedAnswers.check` rejects */
export async function checkRecord(path: string): Promise<void> {
  const lines = (await readFile(path, "utf8").catch(() => "")).split("\n");
  await rm(path, { force: true });
  const records = lines.flatMap(parsed);
  if (!records.some((record) => "recording" in record))
    throw new Error("the answers of a server were not recorded");
  const told = new Set<string>();
  for (const record of records) {
    if (told.size === MOST_TOLD) break;
    if ("recording" in record) continue;
    if ("unseen" in record) {
      told.add(`an answer to ${record.unseen} was not recorded`);
      continue;
    }
    const faults = (await answerCheck())(record);
    if (faults.length === 0) continue;
    const path = record.target.replace(/\?.*/s, "");
    told.add(`${record.method} ${path} answered ${String(record.status)}: ${faults.join("; ")}`);
  }
  if (told.size > 0) throw new Error(`answers that are not in OpenAPI:\n${[...told].join("\n")}`);
}

function parsed(line: string): RecordLine[] {
  try {
    return [JSON.parse(line) as RecordLine];
  } catch {
    // The end of the file; or one that was killed left half a line, and the next one, if any, went on in it with its first.
    return line.includes('{"recording":true}') ? [{ recording: true }] : [];
  }
}

let known: Promise<AnswerCheck> | undefined;

/** The check by the document of the built server. Once for the process: compiling schemas takes time. */
export function answerCheck(): Promise<AnswerCheck> {
  known ??= builtDocument().then(createAnswerCheck);
  return known;
}

/** The OpenAPI document of the built server, kept for as long as the build is the same. */
export async function builtDocument(): Promise<OpenApiDocument> {
  const { mtimeMs, size } = await stat(SERVER);
  const path = join(CACHE, `openapi-${String(Math.round(mtimeMs))}-${String(size)}.json`);
  const kept = await readFile(path, "utf8").catch(() => undefined);
  if (kept !== undefined) return JSON.parse(kept) as OpenApiDocument;
  const text = await fetchDocument();
  await mkdir(CACHE, { recursive: true });
  const temporary = `${path}.${randomUUID()}`;
  await writeFile(temporary, text);
  await rename(temporary, path);
  return JSON.parse(text) as OpenApiDocument;
}

async function fetchDocument(): Promise<string> {
  const dataDir = await mkdtemp(join(tmpdir(), "vault-proxy-test-"));
  const { PATH } = process.env;
  const child = spawn(process.execPath, [SERVER, "--data-dir", dataDir, "--listen", "127.0.0.1:0"], {
    env: { PATH },
    stdio: ["ignore", "pipe", "pipe"],
  });
  try {
    const address = await new Promise<string>((resolve, reject) => {
      let output = "";
      const timer = setTimeout(() => reject(new Error(`the server did not start:\n${output}`)), START_MS);
      const look = (chunk: Buffer): void => {
        output += chunk.toString();
        const found = /listening on (\S+)/.exec(output)?.[1];
        if (found === undefined) return;
        clearTimeout(timer);
        resolve(found);
      };
      child.stdout.on("data", look);
      child.stderr.on("data", look);
    });
    return await (await fetch(`${address}/openapi.json`)).text();
  } finally {
    child.kill("SIGKILL");
    await rm(dataDir, { recursive: true, force: true });
  }
}
