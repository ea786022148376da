import { measureLoad } from "../harness/load-row.mjs";

/** @type {import("../harness/row.mjs").Row} */
export default {
  name: "post-2kb",
  title: "POST of 2 KB",
  packages: ["nginx", "openssl", "wrk"],
  measure: (bench) => measureLoad(bench, { row: "post-2kb", kind: "plain", bodyBytes: 2048 }),
};
