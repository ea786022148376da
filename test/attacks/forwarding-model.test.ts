import { expect, test } from "vitest";
import { assertSafePath } from "../../packages/server/src/network/request-target.js";
import { expectedTarget } from "./forwarding-model.js";

const PIECES = [".", "%00", ",", ";", "/", "%09", "%3f", "%5c", "%c0%ae"];
const LONGEST = 4;

test("the model and the server refuse the same of all short paths of what dot segments are hidden by", () => {
  const disagreements: string[] = [];
  const tryAll = (path: string, length: number): void => {
    const isRefused = expectedTarget(`/proxy/s/${path}`, "s", "").verdict === "refused";
    if (isRefused !== refuses(`/${path}`)) disagreements.push(path);
    if (length < LONGEST) for (const piece of PIECES) tryAll(path + piece, length + 1);
  };
  tryAll("", 0);
  expect(disagreements).toEqual([]);
});

function refuses(path: string): boolean {
  try {
    assertSafePath(path);
    return false;
  } catch {
    return true;
  }
}
