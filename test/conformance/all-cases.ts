import { answerFieldCases } from "./cases/answer-fields.js";
import { answerFramingCases } from "./cases/answer-framing.js";
import { connectionCases } from "./cases/connections.js";
import { interimCases } from "./cases/interim.js";
import { requestFieldCases } from "./cases/request-fields.js";
import { requestFramingCases } from "./cases/request-framing.js";
import { targetCases } from "./cases/targets.js";
import type { ConformanceCase } from "./conformance-case.js";

/** The table, by topic. */
export const CASES: readonly (readonly [string, readonly ConformanceCase[]])[] = [
  ["targets and Host", targetCases],
  ["fields of a request", requestFieldCases],
  ["framing of a request", requestFramingCases],
  ["fields of an answer", answerFieldCases],
  ["framing of an answer", answerFramingCases],
  ["interim answers", interimCases],
  ["connections", connectionCases],
];
