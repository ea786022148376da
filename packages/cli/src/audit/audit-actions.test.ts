import { readFile } from "node:fs/promises";
import { expect, test } from "vitest";

import { AUDIT_ACTIONS } from "./audit-actions.js";
import { auditSelection } from "./audit-filter.js";

test("the actions are those of the page", async () => {
  const page = await readFile(new URL("../../../../docs/audit.md", import.meta.url), "utf8");
  const rows = [...page.matchAll(/^\| `([a-z_]+(?:\.[a-z_]+)?)` +\|/gm)].map(([, action]) => action);
  const named = rows.filter((action) => action !== undefined);
  const table = named.slice(named.indexOf("proxy"), named.indexOf("audit.late") + 1);
  expect([...AUDIT_ACTIONS].sort()).toEqual(table.sort());
});

test("an action that is never recorded is refused, with those that are", () => {
  expect(auditSelection({ action: "ssh" }).filter).toEqual({ action: "ssh" });
  expect(auditSelection({ action: "ssh.exec" }).filter).toEqual({ action: "ssh.exec" });
  expect(() => auditSelection({ action: "nope" })).toThrow(
    expect.objectContaining({
      name: "UsageError",
      message: "no action of the audit log is called nope",
      hint: expect.stringMatching(/^one of proxy, .*ssh, .*audit/) as string,
    }),
  );
  expect(() => auditSelection({ action: "ssh.exce" })).toThrow(
    expect.objectContaining({ hint: "one of ssh.exec, ssh.upload, ssh.download, ssh.shell" }),
  );
});
