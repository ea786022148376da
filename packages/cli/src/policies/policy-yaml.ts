import { stringify } from "yaml";

/** A policy as YAML that `policy add` takes, without a line end at its end. */
export function policyYaml(policy: object): string {
  // Another parser may take version 1.1 for granted, where `no` is no text.
  return stringify(policy, {
    version: "1.1",
    directives: false,
    aliasDuplicateObjects: false,
    lineWidth: 0,
  }).trimEnd();
}
