import { spawn } from "node:child_process";
import { randomUUID } from "node:crypto";
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
const RECORDER = fileURLToPath(new URL("./answer-recorder.mjs", import.meta.url));
const CACHE = fileURLToPath(new URL("../../node_modules/.cache/vault-proxy/", import.meta.url));
const START_MS = 15_000;
/** More would say nothing new. */
const MOST_TOLD = 5;

/** What a server of a test needs to have every answer of its own held against its OpenAPI document at its end. */
export interface RecordedAnswers {
  /** For node, before the program. */
  readonly nodeFlags: readonly string[];
  readonly environment: Readonly<Record<string, string>>;
  /** Rejects if the document does not promise one of the answers as it was. Removes the record. */
  check(): Promise<void>;
}

export function recordAnswers(): RecordedAnswers {
  const path = join(tmpdir(), `vault-proxy-answers-${randomUUID()}`);
  return {
    nodeFlags: ["--import", RECORDER],
    environment: { RECORDED_ANSWERS: path },
    async check() {
      const lines = (await readFile(path, "utf8").catch(() => "")).split("\n");
      await rm(path, { force: true });
      // One that was killed may have left half a line.
      const answers = lines.slice(0, -1).map((line) => JSON.parse(line) as SeenAnswer);
      if (answers.length === 0) return;
      const faultsOf = await answerCheck();
      const told = new Set<string>();
      for (const answer of answers) {
        const faults = faultsOf(answer);
        if (faults.length === 0) continue;
        const path = answer.target.replace(/\?.*/s, "");
        told.add(`${answer.method} ${path} answered ${String(answer.status)}: ${faults.join("; ")}`);
        if (told.size === MOST_TOLD) break;
      }
      if (told.size > 0) throw new Error(`answers that are not in OpenAPI:\n${[...told].join("\n")}`);
    },
  };
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
