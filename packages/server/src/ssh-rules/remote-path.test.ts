import { posix } from "node:path";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { cleanRemotePath, isForbiddenPath, isUnderAllowed, parseAllowedPath } from "./remote-path.js";

function cleaned(path: string): string {
  const result = cleanRemotePath(path);
  if (!result.ok) throw new Error(result.reason);
  return result.path;
}

describe("a remote path", () => {
  test.each([
    ["/srv/app/a.txt", "/srv/app/a.txt"],
    ["//srv//app///a.txt", "/srv/app/a.txt"],
    ["///a", "/a"],
    ["/srv/./app/././a", "/srv/app/a"],
    ["/srv/x/../app/y/z/../../a", "/srv/app/a"],
    ["/../../a", "/a"],
    ["/srv/..a/...b/.c./....", "/srv/..a/...b/.c./...."],
    ["/srv/...", "/srv/..."],
    ['/srv/a b/it\'s "c" \\d $e;f*', '/srv/a b/it\'s "c" \\d $e;f*'],
    ["/srv/naïve/日本語/\u{1f600}\u{a0}", "/srv/naïve/日本語/\u{1f600}\u{a0}"],
    ["/srv/..\\..\\etc", "/srv/..\\..\\etc"],
    ["/srv/%2e%2e/etc", "/srv/%2e%2e/etc"],
    ["/srv/．．/a", "/srv/．．/a"],
    ["/~/a", "/~/a"],
  ])("%j is cleaned to %j", (path, expected) => {
    expect(cleanRemotePath(path)).toEqual({ ok: true, path: expected });
  });

  test.each([
    ["nothing", ""],
    ["a relative path", "srv/a"],
    ["a path in the home directory", "~/a"],
    ["a path that begins with a dot", "./a"],
    ["a path that begins with two dots", "../a"],
    ["a path that begins with a blank", " /a"],
    ["a path of Windows", "C:\\a"],
    ["NUL", "/srv/a\0b"],
    ["a newline", "/srv/a\nb"],
    ["a tab", "/srv/a\tb"],
    ["an escape character", "/srv/\u{1b}[2J"],
    ["a delete character", "/srv/\u{7f}"],
    ["a next-line character", "/srv/\u{85}"],
    ["a control character in a name that would go away", "/srv/\n/../a"],
    ["a lone surrogate", "/srv/\ud83d"],
    ["the root", "/"],
    ["the root by many slashes", "///"],
    ["a directory by its slash", "/srv/a/"],
    ["a directory by its dot", "/srv/a/."],
    ["a directory by its two dots", "/srv/a/.."],
    ["the root by a dot", "/."],
    ["the root by two dots", "/.."],
    ["a name of 256 bytes", `/${"a".repeat(256)}`],
    ["a name of 256 bytes in fewer characters", `/${"é".repeat(128)}`],
    ["a path of more than 4096 bytes", "/aaaaaaaaa".repeat(410)],
    ["a path of more than 4096 bytes in fewer characters", `/${"é/".repeat(1400)}a`],
  ])("is refused that is %s", (_, path) => {
    expect(cleanRemotePath(path)).toMatchObject({ ok: false });
  });

  test("may have just 4096 bytes, and its names just 255", () => {
    const longest = `/${"a".repeat(255)}`.repeat(16);
    expect(cleanRemotePath(longest)).toEqual({ ok: true, path: longest });
    expect(cleanRemotePath(`${longest}/a`)).toEqual({
      ok: false,
      reason: "the path is longer than 4 KiB",
    });
  });

  const name = fc.oneof(
    fc.constantFrom("", ".", "..", "...", "etc", ".ssh", "a"),
    fc.string({ unit: fc.constantFrom("a", ".", "\\", "'", " ", "é") }),
  );
  test("is cleaned as node:path does it, and a cleaned one stays as it is", () => {
    fc.assert(
      fc.property(fc.array(name, { maxLength: 12 }), (names) => {
        const path = `/${names.join("/")}`;
        const result = cleanRemotePath(path);
        const isDirectory = ["", ".", ".."].includes(names.at(-1) ?? "");
        expect(result.ok).toBe(!isDirectory);
        if (!result.ok) return;
        expect(result.path).toBe(posix.normalize(path).replace(/^\/\//, "/"));
        expect(cleanRemotePath(result.path)).toEqual(result);
      }),
    );
  });
});

describe("a forbidden path", () => {
  test.each([
    "/etc",
    "/etc/passwd",
    "/etc/ssh/sshd_config",
    "/root/.ssh",
    "/root/.ssh/authorized_keys",
    "/home/anna/.ssh",
    "/home/anna/.ssh/authorized_keys",
    "/home/*/.ssh/id_ed25519",
    "/home/日本/.ssh/config",
    "/proc/self/environ",
    "/sys/kernel",
    "/dev/sda",
    "/boot/vmlinuz",
    "/lib/x",
    "/lib64/x",
    "/sbin/init",
    "/usr/sbin/sshd",
    "//etc/passwd",
    "/./etc/passwd",
    "/srv/../etc/passwd",
    "/../etc/passwd",
    "/etc//passwd",
    "/etc/../etc/passwd",
    "/home/anna/../bert/./.ssh/x",
    "/home/anna//.ssh/x",
    "/ETC/passwd",
    "/Home/Anna/.SSH/x",
    "/\u{17f}ys/x",
    "/home/a/.\u{17f}\u{17f}h/x",
  ])("is %s", (path) => {
    expect(isForbiddenPath(cleaned(path))).toBe(true);
  });

  test.each([
    "/etcetera",
    "/etc2/a",
    "/srv/etc/passwd",
    "/root/a",
    "/root/.sshx",
    "/root/x/.ssh",
    "/home/.ssh/a",
    "/home/anna",
    "/home/anna/a",
    "/home/anna/.ssh2/a",
    "/home/anna/x/.ssh/a",
    "/library/x",
    "/lib32x",
    "/lib 64/x",
    "/usr/lib/x",
    "/usr/bin/x",
    "/usr",
    "/device",
    "/etc\\passwd",
    "/etc /passwd",
    "/еtc/passwd",
  ])("is not %s", (path) => {
    expect(isForbiddenPath(cleaned(path))).toBe(false);
  });

  test("lies in a directory that the caller adds, and not beside it", () => {
    const further = ["/usr/lib", "/srv/me/.ssh/"];
    expect(isForbiddenPath("/usr/lib/x", further)).toBe(true);
    expect(isForbiddenPath("/USR/Lib/x", further)).toBe(true);
    expect(isForbiddenPath("/usr/lib", further)).toBe(true);
    expect(isForbiddenPath("/srv/me/.ssh/x", further)).toBe(true);
    expect(isForbiddenPath("/srv/me/.ssh2", further)).toBe(false);
    expect(isForbiddenPath("/usr/libexec", further)).toBe(false);
    expect(isForbiddenPath("/etc/x", further)).toBe(true);
    expect(isForbiddenPath("/srv/\u{212a}eys/x", ["/srv/keys"])).toBe(true);
    expect(isForbiddenPath("/srv/anna/x", ["/srv/*"])).toBe(false);
  });

  test("is every path, when a directory that the caller adds is not absolute", () => {
    expect(isForbiddenPath("/srv/a", [".ssh"])).toBe(true);
    expect(isForbiddenPath("/srv/a", [""])).toBe(true);
  });
});

describe("an allowed path", () => {
  test.each([
    ["/", "/"],
    ["//", "/"],
    ["/srv/app", "/srv/app"],
    ["/srv/app/", "/srv/app"],
    ["/srv/./x/..//app/.", "/srv/app"],
    ["/..", "/"],
  ])("%j is kept as %j", (entry, path) => {
    expect(parseAllowedPath(entry)).toEqual({ ok: true, path });
  });

  test.each(["", "srv", "~/x", "./srv", "*", "/srv/\n", "/srv/\0", "/\ud83d", `/${"a".repeat(256)}`])(
    "%j is none",
    (entry) => {
      expect(parseAllowedPath(entry)).toMatchObject({ ok: false });
    },
  );

  test.each<[string, readonly string[], boolean]>([
    ["/srv/app/a", ["/srv/app"], true],
    ["/srv/app/a", ["/srv/app/"], true],
    ["/srv/app", ["/srv/app"], true],
    ["/srv/app/a/b/c", ["/x", "/srv"], true],
    ["/srv/a", ["/"], true],
    ["/srv/application", ["/srv/app"], false],
    ["/srv", ["/srv/app"], false],
    ["/srv/App/a", ["/srv/app"], false],
    ["/home/anna/a", ["/home/*"], false],
    ["/srv/app/a", [], false],
    ["/srv/app/a", ["srv/app", "", "."], false],
    ["/srv/a", ["/srv/app/.."], true],
  ])("%s under %j: %s", (path, allowed, expected) => {
    expect(isUnderAllowed(path, allowed)).toBe(expected);
  });

  test("never lets a path climb out of its directory", () => {
    const names = fc.array(fc.constantFrom("..", ".", "", "a", "app", "srv"), { minLength: 1 });
    fc.assert(
      fc.property(names, (list) => {
        const result = cleanRemotePath(`/srv/app/${list.join("/")}/file`);
        if (!result.ok || !isUnderAllowed(result.path, ["/srv/app"])) return;
        expect(posix.relative("/srv/app", result.path)).not.toMatch(/^\.\.(?:\/|$)/);
      }),
    );
  });
});
