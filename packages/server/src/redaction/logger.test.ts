import { closeSync, mkdtempSync, openSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { createLogger, describeThrown, type LogFormat, type LogSink } from "./logger.js";

let directory: string;

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), "vault-proxy-log-"));
});

afterEach(() => {
  rmSync(directory, { recursive: true });
});

/** What stands in the log after `write`. */
async function logged(format: LogFormat, write: (log: LogSink) => void): Promise<string> {
  const path = join(directory, "log");
  const fd = openSync(path, "a");
  const log = createLogger({ format, level: "info", fd });
  write(log);
  await new Promise((resolve) => setTimeout(resolve, 50));
  log.flush();
  closeSync(fd);
  return readFileSync(path, "utf8");
}

test("a text line has time, level, message and fields", async () => {
  const text = await logged("text", (log) =>
    log.info({ service: "api", count: 3, note: "two words" }, "hello there"),
  );
  expect(text).toMatch(/^\d{4}-\d\d-\d\dT[\d:.]+Z INFO  hello there service=api count=3 note="two words"\n$/);
});

test("a JSON line can be parsed", async () => {
  const text = await logged("json", (log) => log.warn({ service: "api" }, "hello"));
  expect(JSON.parse(text)).toMatchObject({ level: "warn", msg: "hello", service: "api" });
});

test.each(["text", "json"] as const)("no field can forge a %s line or move the cursor", async (format) => {
  const hostile = "a\n2026-01-01T00:00:00Z INFO forged\r\u001b[2J\u0000\u2028\u0085";
  const text = await logged(format, (log) => log.info({ name: hostile }, hostile));
  expect(text.split("\n")).toHaveLength(2);
  expect(text).not.toMatch(/[\u0000-\u0009\u000b-\u001f]/);
  if (format === "text") expect(text).not.toMatch(/[\u0085\u2028]/);
});

test("below the level nothing is written", async () => {
  expect(await logged("text", (log) => log.debug({}, "quiet"))).toBe("");
});

test("a thrown error is described by class, code and place, never by its message", () => {
  const secret = "sk-secret";
  const error = Object.assign(new TypeError(`bad value ${secret}\n    at ${secret} (file.ts:1:1)`), {
    code: "E_BAD",
  });
  const fields = describeThrown(error);
  expect(fields).toMatchObject({ thrown: "TypeError", code: "E_BAD" });
  expect(fields.at).toMatch(/logger\.test\.ts:\d+/);
  expect(JSON.stringify(fields)).not.toContain(secret);
  expect(JSON.stringify(describeThrown(secret))).not.toContain(secret);
});
