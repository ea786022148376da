import { describe, expect, test } from "vitest";
import { namesAnotherResource } from "./resource-headers.js";

describe("a header names another resource", () => {
  test.each([
    "Destination",
    "destination",
    "x-amz-copy-source",
    "X_Amz_Copy.Source",
    "x-amz-rename-source",
    "x-ms-copy-source",
    "x-ms-rename-source",
    "x-goog-copy-source",
    "x-oss-copy-source",
    "X-Copy-From",
  ])("%s", (name) => {
    expect(namesAnotherResource(["Accept", "*/*", name, "/b"])).toBe(true);
  });

  test.each([
    ["Accept", "Destination"],
    ["X-Destination-Name", "b"],
    ["Destinations", "b"],
    ["x-amz-copy-source-range", "bytes=0-9"],
    ["Source", "b"],
  ])("and not %s: %s", (name, value) => {
    expect(namesAnotherResource([name, value])).toBe(false);
  });
});
