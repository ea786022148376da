import type { RuleAction } from "./policy-schema.js";

/** What a token is about to do. */
export type Action =
  | {
      readonly kind: "http";
      readonly service: string;
      readonly method: string;
      /** What follows the service's name in the request target, byte for byte, without the query. */
      readonly rawPath: string;
      /** Whether a header names one more resource than the target does, such as the `Destination` of a MOVE. */
      readonly namesAnotherResource?: boolean;
    }
  /** A session at a TCP service. */
  | { readonly kind: "session"; readonly service: string; readonly protocol: string }
  | {
      readonly kind: "ssh";
      readonly service: string;
      readonly action: RuleAction;
      /** As the caller wrote it; of `exec` only. */
      readonly command?: string;
      /** As the caller wrote it; of `upload` and `download` only. */
      readonly remotePath?: string;
    };
