import { measureLoad } from "../harness/load-row.mjs";

/** @type {import("../harness/row.mjs").Row} */
export default {
  name: "post-2kb-tls",
  title: "POST of 2 KB over an HTTPS upstream",
  packages: ["nginx", "openssl", "wrk"],
  measure: (bench) => measureLoad(bench, { row: "post-2kb-tls", kind: "tls", bodyBytes: 2048 }),
};
