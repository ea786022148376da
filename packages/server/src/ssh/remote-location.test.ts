import { describe, expect, test } from "vitest";
import { VaultProxyError } from "../errors/vault-proxy-error.js";
import { locate } from "./remote-location.js";
import { SFTP_STATUS, SftpStatusError } from "./sftp-failure.js";
import type { FileKind, SftpSession } from "./sftp-session.js";

/** What is at a server: `directory`, `file`, or `-> target`. */
type Tree = Readonly<Record<string, string>>;

/** Only tidies the text up, as some servers do, unless told otherwise. */
function serverOf(
  tree: Tree,
  realpath = (path: string): string => path,
): Pick<SftpSession, "lstat" | "readlink" | "realpath"> {
  return {
    lstat(path) {
      const entry = tree[path];
      if (entry === "closed") return Promise.reject(new SftpStatusError(SFTP_STATUS.permissionDenied));
      if (entry === undefined) return Promise.reject(new SftpStatusError(SFTP_STATUS.noSuchFile));
      const kind = entry.startsWith("->") ? "link" : (entry as FileKind);
      return Promise.resolve({ kind, size: 0 });
    },
    readlink: (path) => Promise.resolve((tree[path] ?? "").slice("-> ".length)),
    realpath: (path) => Promise.resolve(realpath(path)),
  };
}

const TREE: Tree = {
  "/a": "directory",
  "/a/f": "file",
  "/a/b": "directory",
  "/a/b/g": "file",
  "/a/abs": "-> /a/b",
  "/a/rel": "-> b",
  "/a/up": "-> ../a/./b",
  "/a/through": "-> rel/../f",
  "/a/loop": "-> loop",
  "/a/odd": "-> \ufffd",
  "/a/void": "-> ",
  "/a/closed": "closed",
  "/B": "directory",
};

describe("where a path leads", () => {
  test.each([
    ["/", { path: "/", existing: "/", kind: "directory", missing: [] }],
    ["/a/f", { path: "/a/f", existing: "/a/f", kind: "file", missing: [] }],
    ["/a/new/deep", { path: "/a/new/deep", existing: "/a", kind: "directory", missing: ["new", "deep"] }],
    ["/a/f/x", { path: "/a/f/x", existing: "/a/f", kind: "file", missing: ["x"] }],
    ["/a/abs/g", { path: "/a/b/g", existing: "/a/b/g", kind: "file", missing: [] }],
    ["/a/rel/new", { path: "/a/b/new", existing: "/a/b", kind: "directory", missing: ["new"] }],
    ["/a/up/g", { path: "/a/b/g", existing: "/a/b/g", kind: "file", missing: [] }],
    // By the text it would be /a/rel's brother; the parent of what it leads to is meant.
    ["/a/through", { path: "/a/f", existing: "/a/f", kind: "file", missing: [] }],
  ])("is found for %s, though the server resolves no links itself", async (path, expected) => {
    expect(await locate(serverOf(TREE), path)).toEqual(expected);
  });

  test("is what the server's own resolution says, where one thing has several spellings", async () => {
    const spelled = serverOf({ ...TREE, "/b": "directory" }, (path) => (path === "/b" ? "/B" : path));
    expect(await locate(spelled, "/b/x")).toMatchObject({ path: "/B/x", existing: "/B" });
  });

  test.each(["b", "", "/a/../b", "/a\n", "//a", "/a/"])(
    "is not known if the server says %j",
    async (said) => {
      await expect(
        locate(
          serverOf(TREE, () => said),
          "/a/f",
        ),
      ).rejects.toMatchObject({ code: "upstream_failed" });
    },
  );

  test("is refused when the server never says the same", async () => {
    const changing = serverOf({ "/a": "directory", "/B": "directory" }, (path) =>
      path === "/a" ? "/B" : "/a",
    );
    await expect(locate(changing, "/a")).rejects.toMatchObject({ code: "invalid_request" });
  });

  test.each([
    ["in a circle", "/a/loop/x", "too many symbolic links"],
    ["to a name that is not UTF-8", "/a/odd", "not UTF-8"],
    ["through too many names", "/x".repeat(101), "too many names"],
  ])("is refused %s", async (_, path, said) => {
    const located = locate(serverOf(TREE), path);
    await expect(located).rejects.toBeInstanceOf(VaultProxyError);
    await expect(located).rejects.toThrow(said);
  });

  test("is refused for a link without a target", async () => {
    await expect(locate(serverOf(TREE), "/a/void")).rejects.toMatchObject({ code: "upstream_failed" });
  });

  test("is an error where the user may not look, unless that is to count as not there", async () => {
    await expect(locate(serverOf(TREE), "/a/closed/x")).rejects.toBeInstanceOf(SftpStatusError);
    expect(await locate(serverOf(TREE), "/a/closed/x", { isLenient: true })).toMatchObject({
      path: "/a/closed/x",
      existing: "/a",
    });
  });
});
