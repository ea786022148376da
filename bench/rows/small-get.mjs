import { measureLoad } from "../harness/load-row.mjs";

/** @type {import("../harness/row.mjs").Row} */
export default {
  name: "small-get",
  title: "small JSON GET, 32 keep-alive connections",
  packages: ["nginx", "openssl", "wrk"],
  measure: (bench) => measureLoad(bench, { row: "small-get", kind: "plain" }),
};
