import { PassThrough } from "node:stream";
import { text } from "node:stream/consumers";
import { expect, test } from "vitest";

import { createOutput } from "../output.js";
import { printEntry } from "./print-entry.js";

test("a long entry is broken between its words, and its further lines stand further in", async () => {
  const stdout = Object.assign(new PassThrough(), { isTTY: true, columns: 80 });
  const output = createOutput({ stdout, stderr: new PassThrough(), env: { NO_COLOR: "1" }, json: false });
  const details = { path: "/home/deploy/releases/current", bytes: 12_345, pattern: "systemctl status nginx" };
  await printEntry(output, {
    ...{ seq: 1, time: "2030-01-01T00:00:00Z", action: "ssh.upload", decision: "allow", status: 200 },
    ...{ service: "production", token_name: "triage-bot", details },
  });
  const lines = (await text(stdout.end())).trimEnd().split("\n");
  expect(lines.length).toBeGreaterThan(1);
  for (const line of lines) expect(line.length).toBeLessThanOrEqual(80);
  for (const line of lines.slice(1)) expect(line).toMatch(/^ {4}\S/);
  expect(lines.join(" ").replaceAll(/ +/g, " ")).toContain(
    "path=/home/deploy/releases/current bytes=12345 pattern=systemctl status nginx",
  );
});
