import { expect, test } from "vitest";

import { changedFields, changeLines } from "./changed-fields.js";

test("what differs is told with both values, and nothing that the server keeps by itself", () => {
  const before = {
    name: "a",
    base_url: "https://a",
    session_cookies: true,
    expires_at: 1,
    ssh_connected: true,
  };
  const after = { name: "a", base_url: "https://b", session_cookies: false, max_request_bytes: 5 };
  expect(changeLines(changedFields(before, after))).toEqual([
    "  base_url           https://a → https://b",
    "  session_cookies    true → (none)",
    "  max_request_bytes  (none) → 5",
  ]);
});

test("a setting that is off is the same as none", () => {
  expect(changedFields({ allow_private: false }, {})).toEqual([]);
});
