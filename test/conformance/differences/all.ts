import type { Differences } from "../difference-table.js";
import { answerDifferences } from "./of-answers.js";
import { exchangeDifferences } from "./of-exchanges.js";
import { requestDifferences } from "./of-requests.js";

export const DIFFERENCES: Differences = {
  ...requestDifferences,
  ...answerDifferences,
  ...exchangeDifferences,
};
