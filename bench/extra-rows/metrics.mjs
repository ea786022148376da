import { measureProgram } from "../harness/program-row.mjs";

/** @type {import("../harness/row.mjs").Row} */
export default {
  name: "metrics",
  title: "what is counted of a proxied call",
  packages: [],
  isExtra: true,
  measure: (bench) => measureProgram(bench, "metrics.mjs", "the same loop with and without it, in turn"),
};
