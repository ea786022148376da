import { expect, test } from "vitest";

import { diskSpaceFindings } from "./disk-space.js";

const MIB = 1024 * 1024;

function found(freeBytes: number, blocks = 1_000_000) {
  return diskSpaceFindings("/srv/vault", { bsize: 4096, blocks, bavail: freeBytes / 4096 });
}

test.each([
  [0, "fail"],
  [3 * MIB, "fail"],
  [4 * MIB, "warn"],
  [99 * MIB, "warn"],
  [100 * MIB, "ok"],
])("of a disk with %d bytes left says %s", (bytes, status) => {
  expect(found(bytes)).toMatchObject([{ check: "disk", status }]);
});

test("tells how much is left, and where", () => {
  expect(found(0)[0]?.message).toContain("0 bytes left on the disk of /srv/vault");
});

test("of what is no disk nothing is said", () => {
  expect(found(0, 0)).toEqual([]);
  expect(diskSpaceFindings("/srv/vault", undefined)).toEqual([]);
});
