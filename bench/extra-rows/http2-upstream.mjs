import { measureProgram } from "../harness/program-row.mjs";

/** @type {import("../harness/row.mjs").Row} */
export default {
  name: "http2-upstream",
  title: "a small answer over HTTP/2 and over HTTP/1.1, by undici",
  packages: [],
  isExtra: true,
  measure: (bench) =>
    measureProgram(bench, "http2-upstream.mjs", "processor time of the client alone, 32 requests at once"),
};
