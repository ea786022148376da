import { measureProgram } from "../harness/program-row.mjs";

/** @type {import("../harness/row.mjs").Row} */
export default {
  name: "scrubbing",
  title: "search for secrets in answers",
  packages: [],
  isExtra: true,
  measure: (bench) =>
    measureProgram(
      bench,
      "scrubbing.mjs",
      "100 MB in pieces of 64 KB, the best of five runs, MB a second of processor time",
    ),
};
