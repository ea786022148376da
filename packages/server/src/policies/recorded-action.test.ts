import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { recordedAction, type RecordedUse } from "./recorded-action.js";

describe("an entry of the audit log", () => {
  test.each<[RecordedUse, object]>([
    [
      { action: "proxy", service: "a", method: "GET", path: "/user?page=***" },
      { kind: "http", service: "a", method: "GET", rawPath: "/user" },
    ],
    [
      { action: "proxy", service: "a", method: "GET", path: "/proxy/a/user%20x" },
      { kind: "http", service: "a", method: "GET", rawPath: "/user%20x" },
    ],
    [
      { action: "proxy", service: "a", method: "GET", path: "/proxy/ab/c" },
      { kind: "http", service: "a", method: "GET", rawPath: "/proxy/ab/c" },
    ],
    [
      { action: "session.open", service: "db", details: { protocol: "postgres" } },
      { kind: "session", service: "db", protocol: "postgres" },
    ],
    [
      { action: "ssh.shell", service: "prod" },
      { kind: "ssh", service: "prod", action: "session" },
    ],
    [
      { action: "ssh.exec", service: "prod", details: { command: "ls" } },
      { kind: "ssh", service: "prod", action: "exec", command: "ls" },
    ],
    [
      { action: "ssh.upload", service: "prod", details: { remote_path: "/a" } },
      { kind: "ssh", service: "prod", action: "upload", remotePath: "/a" },
    ],
    [
      { action: "ssh.download", service: "prod", details: { remote_path: "/a" } },
      { kind: "ssh", service: "prod", action: "download", remotePath: "/a" },
    ],
  ])("%j tells of an action", (entry, action) => {
    expect(recordedAction(entry)).toEqual({ kind: "action", action });
  });

  test.each<RecordedUse>([
    { action: "proxy", service: "a", method: "GET", path: "/x/***" },
    { action: "proxy", service: "a", method: "GET", path: "/x…[+12]" },
    { action: "proxy", service: "a", method: "GET" },
    { action: "proxy", method: "GET", path: "/" },
    { action: "ssh.exec", service: "a", details: { command: "echo ***" } },
    { action: "ssh.exec", service: "a", details: null },
    { action: "ssh.upload", service: "a" },
    { action: "session.open", service: "a", details: {} },
  ])("%j does not tell all", (entry) => {
    expect(recordedAction(entry)).toEqual({ kind: "incomplete" });
  });

  test.each(["unlock", "session.connection", "token.create", "nonsense"])("of %s is no use", (action) => {
    expect(recordedAction({ action, service: "a" })).toEqual({ kind: "other" });
  });

  test("may hold anything", () => {
    const actions = ["proxy", "session.open", "ssh.shell", "ssh.exec", "ssh.upload", "ssh.download"];
    const use = fc.record({
      action: fc.constantFrom(...actions),
      ...{ service: fc.anything(), method: fc.anything(), path: fc.anything(), details: fc.anything() },
    });
    fc.assert(fc.property(use, (entry) => /^(?:action|incomplete)$/.test(recordedAction(entry).kind)));
  });
});
