import { expect, test } from "vitest";
import { publicStartLength } from "./public-start.js";

const RANDOM = "Zx81QwertyuiopASDFzx81Qwertyuiop1234";

test.each([
  [`sk-ant-api03-${RANDOM}`, 13],
  [`sk-proj-${RANDOM}`, 8],
  [`github_pat_11${RANDOM}`, 11],
  [`xoxb-123456-${RANDOM}`, 5],
  [`ya29.${RANDOM}`, 5],
  [`eyJhbGciOiJFUzI1NiJ9.eyJzdWIiOiJhZ2VudCJ9.${RANDOM}`, 42],
  [`token ghp_${RANDOM}`, 10],
  [`Bearer eyJhbGciOiJFUzI1NiJ9.eyJzdWIiOiJhZ2VudCJ9.${RANDOM}`, 49],
  ["correct horse battery staple", 0],
  [RANDOM.repeat(2), 0],
  [`eyJhbGciOiJFUzI1NiJ9.${RANDOM}`, 0],
  ["sk-proj-0123456789012345678901234567890", 0],
  ["correct-horse-battery-staple-and-more-words", 0],
  ["", 0],
])("of %s so many characters are public: %i", (token, length) => {
  expect(publicStartLength(token)).toBe(length);
});
