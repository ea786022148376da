import { describe, expect, test } from "vitest";

import { COMMANDS, GROUPS } from "../commands/registry.js";
import { completionsOf } from "./candidates.js";
import type { NameSources } from "./names.js";

const listed =
  (...words: string[]) =>
  () =>
    Promise.resolve(words.map((word) => ({ word })));
const names: NameSources = {
  services: listed("work"),
  policies: listed("reader"),
  tokens: listed("tok_AAAA..."),
  tokenNames: listed("bot"),
  sessions: listed("ses_1"),
  files: listed("key.json"),
  presets: listed("stripe", "openai", "aws", "gmail"),
  keyPresets: listed("stripe", "openai"),
  loginPresets: listed("gmail"),
  sdkPresets: listed("openai"),
};
const completion = (words: readonly string[], current = "") =>
  completionsOf({ commands: COMMANDS, groups: GROUPS }, words, current, names);
const completed = async (words: readonly string[], current: string) =>
  (await completion(words, current)).candidates.map(({ word }) => word);

test("a service to add is completed by presets, and one to change by those that there are", async () => {
  expect(await completed(["service", "add"], "str")).toEqual(["stripe"]);
  expect(await completed(["service", "update"], "")).toEqual(["work"]);
  expect(await completed(["service", "update", "work"], "--hel")).toEqual(["--help"]);
});

test("the program itself has --help and --version", async () => {
  expect(await completed([], "--")).toEqual(expect.arrayContaining(["--help", "--version"]));
  expect(await completed(["token", "list"], "--v")).toEqual([]);
});

test.each([
  [["policy", "show"], ["reader"]],
  [["policy", "remove"], ["reader"]],
  [["policy", "test"], ["reader"]],
  [["token", "create", "--policy"], ["reader"]],
  [["token", "revoke"], ["tok_AAAA..."]],
  [["token", "resume"], ["tok_AAAA..."]],
  [["session", "close"], ["ses_1"]],
  [["file", "download"], ["key.json"]],
  [["oauth", "login"], ["gmail"]],
  [["run", "--env"], ["openai"]],
  [
    ["presets", "show"],
    ["stripe", "openai", "aws", "gmail"],
  ],
  [["proxy"], ["work"]],
])("%j goes on with its names: %j", async (words, expected) => {
  expect(await completed(words, "")).toEqual(expected);
});

test("a method is completed", async () => {
  expect(await completed(["proxy", "work"], "P")).toEqual(["POST", "PUT", "PATCH"]);
  expect(await completed(["token", "create", "--method"], "G")).toEqual(["GET"]);
});

describe("where nothing is known the shell", () => {
  test.each([
    [["file", "upload", "x"]],
    [["policy", "add"]],
    [["service", "add", "work", "--secret-file"]],
    [["up", "--data-dir"]],
    [["vault", "restore"]],
    [["audit", "verify"]],
    [["policy", "backtest"], "./p"],
    [["proxy", "work", "POST", "/"]],
  ])("offers files for %j", async (words, current = "") => {
    expect(await completion(words, current)).toEqual({ candidates: [], otherwise: "files" });
  });

  test.each([
    [["proxy", "work", "GET"]],
    [["policy", "show"], "x"],
    [["file", "upload"]],
    [["token", "create", "--ttl"]],
    [["health", "tokens"]],
    [["ssh", "work", "--"]],
    [["ssh", "work"]],
    [["proxy", "--"]],
  ])("offers nothing for %j", async (words, current = "") => {
    expect(await completion(words, current)).toEqual({ candidates: [], otherwise: "nothing" });
  });

  test.each([
    [["run"], 1],
    [["run", "--env", "openai", "--"], 4],
    [["--quiet", "run", "git"], 2],
    [["run", "--", "git", "--", "x"], 2],
    [["run", "git", "--", "x"], 1],
    [["postgres", "work", "--exec", "--"], 4],
  ])("completes another program's line: %j", async (words, programAt) => {
    expect(await completion(words)).toEqual({ candidates: [], otherwise: { programAt } });
  });
});
