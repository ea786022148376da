import { measureProgram } from "../harness/program-row.mjs";

/** @type {import("../harness/row.mjs").Row} */
export default {
  name: "outbound-scan",
  title: "search for other services' secrets in requests",
  packages: [],
  isExtra: true,
  measure: (bench) =>
    measureProgram(
      bench,
      "outbound-scan.mjs",
      "100 MB of bodies in pieces of 64 KiB, the best of five runs, a second of processor time",
    ),
};
