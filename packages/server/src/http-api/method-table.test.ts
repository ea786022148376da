import { describe, expect, test } from "vitest";
import { createMethodTable } from "./method-table.js";

const allowedMethods = createMethodTable([
  { method: "GET", path: "/services" },
  { method: "post", path: "/services" },
  { method: "DELETE", path: "/services/:name" },
]);

describe("the methods of a path", () => {
  test("are those of every route that has it, and HEAD where GET is", () => {
    expect(allowedMethods("/services")).toEqual(["GET", "HEAD", "POST"]);
  });

  test("are found for a path with a parameter", () => {
    expect(allowedMethods("/services/a")).toEqual(["DELETE"]);
  });

  test.each(["/", "", "/services/", "/services/a/b", "/service", "services"])("are none for %j", (path) => {
    expect(allowedMethods(path)).toEqual([]);
  });
});
