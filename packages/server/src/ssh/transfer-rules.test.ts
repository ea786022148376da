import { describe, expect, test } from "vitest";
import { SFTP_STATUS, SftpStatusError } from "./sftp-failure.js";
import type { SftpSession } from "./sftp-session.js";
import { admitPath, inDirectory, readServerRules } from "./transfer-rules.js";

const ANY = { allowedCommands: undefined, allowedPaths: undefined };

/** A server where everything is a directory, but for these links. */
function serverOf(home: string, links: Readonly<Record<string, string>>): SftpSession {
  return {
    lstat: (path: string) => Promise.resolve({ kind: path in links ? "link" : "directory", size: 0 }),
    readlink: (path: string) => Promise.resolve(links[path] ?? ""),
    realpath: (path: string) => Promise.resolve(path === "." ? home : path),
  } as unknown as SftpSession;
}

const forbidden = { code: "invalid_request" };
const notAllowed = { code: "forbidden" };
const refusal = (act: () => unknown): unknown => {
  try {
    return act();
  } catch (error) {
    return error;
  }
};

describe("a path that is asked for", () => {
  test("is cleaned, and refused where no transfer goes", () => {
    expect(admitPath("/srv//a/./../f", ANY)).toBe("/srv/f");
    for (const path of ["f", "/srv/", "/etc/passwd", "/srv/../etc/passwd", "/home/u/.ssh/id"]) {
      expect(refusal(() => admitPath(path, ANY))).toMatchObject(forbidden);
    }
  });

  test("is refused where commands are chosen and paths are not", () => {
    const commandsOnly = { allowedCommands: ["true"], allowedPaths: undefined };
    expect(refusal(() => admitPath("/srv/f", commandsOnly))).toMatchObject(notAllowed);
  });

  test("is refused outside of the chosen ones", () => {
    const rules = { allowedCommands: undefined, allowedPaths: ["/srv/in"] };
    expect(admitPath("/srv/in/f", rules)).toBe("/srv/in/f");
    expect(refusal(() => admitPath("/srv/inside/f", rules))).toMatchObject(notAllowed);
    expect(refusal(() => admitPath("/srv/in/../f", rules))).toMatchObject(notAllowed);
  });
});

describe("where a path leads at a server", () => {
  const links = {
    "/lib": "/usr/lib",
    "/home": "/export/home",
    "/root/.ssh": "/keys",
    "/U/me/.ssh": "/U/me/.hidden",
  };

  test.each([
    "/etc/x",
    "/usr/lib/x",
    "/keys/id",
    "/export/home/other/.ssh/id",
    "/U/me/.ssh/id",
    "/U/me/.hidden/id",
    "/U/other/.ssh/id",
    "/u/OTHER/.SSH/id",
  ])("may not be %s", async (path) => {
    const rules = await readServerRules(serverOf("/U/me", links), ANY, []);
    expect(refusal(() => rules.admit(path))).toMatchObject(forbidden);
  });

  test.each(["/usr/libexec/x", "/export/home/other/x", "/U/me/x", "/U/me/.sshx", "/srv/other/.ssh/x"])(
    "may be %s",
    async (path) => {
      const rules = await readServerRules(serverOf("/U/me", links), ANY, []);
      expect(() => rules.admit(path)).not.toThrow();
    },
  );

  test("must be in what the allowed paths lead to, or an allowed link itself", async () => {
    const access = { allowedCommands: undefined, allowedPaths: ["/srv/current/", "/srv/plain"] };
    const rules = await readServerRules(serverOf("/U/me", { "/srv/current": "releases/1" }), access, []);
    for (const path of ["/srv/releases/1/f", "/srv/plain/f", "/srv/plain", "/srv/current"]) {
      expect(() => rules.admit(path)).not.toThrow();
    }
    for (const path of ["/srv/current/f", "/srv/releases/2/f", "/srv/releases", "/srv/plainer"]) {
      expect(refusal(() => rules.admit(path))).toMatchObject(notAllowed);
    }
  });

  test("is not judged where the server says of no home, or fails to say where anything is", async () => {
    await expect(readServerRules(serverOf("me", {}), ANY, [])).rejects.toMatchObject({
      code: "upstream_failed",
    });
    const failing = {
      ...serverOf("/U/me", {}),
      realpath: () => Promise.reject(new SftpStatusError(SFTP_STATUS.failure)),
    };
    await expect(readServerRules(failing, ANY, [])).rejects.toBeInstanceOf(SftpStatusError);
  });

  test("is judged though the user may not look into some of the forbidden directories", async () => {
    const server = {
      ...serverOf("/U/me", {}),
      lstat: (path: string) =>
        path.startsWith("/root/")
          ? Promise.reject(new SftpStatusError(SFTP_STATUS.permissionDenied))
          : Promise.resolve({ kind: "directory" as const, size: 0 }),
    };
    const rules = await readServerRules(server, ANY, []);
    expect(refusal(() => rules.admit("/root/.ssh/x"))).toMatchObject(forbidden);
    expect(() => rules.admit("/srv/x")).not.toThrow();
  });
});

test("a name in the root directory has one slash before it", () => {
  expect(inDirectory("/", "f")).toBe("/f");
  expect(inDirectory("/a", "f")).toBe("/a/f");
});
