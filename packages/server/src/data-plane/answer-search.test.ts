import { createHash } from "node:crypto";
import { describe, expect, test } from "vitest";
import { Secret } from "../redaction/secret.js";
import { scrubText } from "../scrubbing/scrub-text.js";
import type { SearchedSecret } from "../scrubbing/secret-matcher.js";
import { createSearchedAnswers, type AnswerSearch, type SearchedAnswers } from "./answer-search.js";

const searched = (...values: string[]): SearchedSecret[] =>
  values.map((value) => ({ secret: new Secret(value) }));

/** A source of secrets with the values to begin with, and what changes them. */
function changingSecrets(...values: string[]) {
  let now = searched(...values);
  return { give: () => now, change: (...others: string[]) => (now = searched(...others)) };
}

function answersOf(source: () => readonly SearchedSecret[], ...fixed: string[]): SearchedAnswers {
  const answers = createSearchedAnswers(searched(...fixed), [source]);
  if (answers === undefined) throw new Error("nothing is searched for");
  return answers;
}

const found = ({ matcher }: AnswerSearch, ...values: string[]): string[] =>
  values.filter((value) => scrubText(matcher, `"${value}"`).hits > 0);

/** Characters in which nothing repeats, the same for the same seed. */
function randomText(seed: string, length: number): string {
  let text = "";
  for (let block = 0; text.length < length; block += 1) {
    text += createHash("sha256").update(`${seed}/${block}`).digest("base64url");
  }
  return text.slice(0, length);
}

const [A, B, C, D] = ["secret-aaaaaaaa", "secret-bbbbbbbb", "secret-cccccccc", "secret-dddddddd"];

describe("what is searched for in the answers of a service", () => {
  test("is nothing where it has no secrets, or only such that are too short, and none that change", () => {
    expect(createSearchedAnswers([], [])).toBeUndefined();
    expect(createSearchedAnswers(searched("abcdefg"), [])).toBeUndefined();
    expect(createSearchedAnswers(searched("abcdefgh"), [])).toBeDefined();
    expect(createSearchedAnswers([], [() => []])).toBeDefined();
  });

  test("is one and the same for all answers while nothing changes", () => {
    const fixed = createSearchedAnswers(searched(A), []);
    expect(fixed?.open().matcher).toBe(fixed?.open().matcher);
    const answers = answersOf(changingSecrets(B).give, A);
    const search = answers.open();
    expect(search.matcher).toBe(search.matcher);
    expect(answers.open().matcher).toBe(search.matcher);
    expect(found(search, A, B, C)).toEqual([A, B]);
  });

  test("may come while an answer is under way, and where there was nothing", () => {
    const source = changingSecrets();
    const search = answersOf(source.give).open();
    expect(found(search, A)).toEqual([]);
    source.change(A);
    expect(found(search, A)).toEqual([A]);
  });

  test("is what was there before too, while an answer is open that began then", () => {
    const source = changingSecrets(A);
    const answers = answersOf(source.give);
    const first = answers.open();
    source.change(B);
    const second = answers.open();
    source.change(C);
    source.change(D);
    expect(found(first, A, B, D)).toEqual([A, B, D]);
    expect(found(second, A, B, D)).toEqual([A, B, D]);
    first.close();
    first.close();
    source.change("secret-eeeeeeee");
    expect(found(second, A, B, D)).toEqual([B, D]);
    second.close();
    source.change("secret-ffffffff");
    expect(found(answers.open(), A, B, D, "secret-eeeeeeee")).toEqual(["secret-eeeeeeee"]);
  });

  test("is what was there before the last change, also for an answer that begins after it", () => {
    const source = changingSecrets(A);
    const answers = answersOf(source.give);
    answers.open().close();
    source.change(B);
    expect(found(answers.open(), A, B)).toEqual([A, B]);
  });

  test("is not compiled anew when a secret is gone that no answer needs, before something else changes", () => {
    const source = changingSecrets(A);
    const answers = answersOf(source.give);
    const first = answers.open();
    source.change(B);
    const { matcher } = first;
    first.close();
    expect(answers.open().matcher).toBe(matcher);
  });

  test("has a bound, however often it changes under one long answer", () => {
    const secretNumber = (change: number): string => randomText(`${change}`, 1000);
    const source = changingSecrets(secretNumber(-1));
    const answers = answersOf(source.give, A);
    const search = answers.open();
    for (let change = 0; change < 200; change += 1) {
      source.change(secretNumber(change));
      answers.open().close();
    }
    expect(search.matcher.tableBytes).toBeLessThan(10_000_000);
    expect(found(search, A, secretNumber(198), secretNumber(193), secretNumber(100))).toHaveLength(3);
  });

  test("is what was there before the last change also where that alone is more than is kept otherwise", () => {
    const source = changingSecrets("x".repeat(20_000));
    const search = answersOf(source.give).open();
    source.change(A);
    expect(found(search, "x".repeat(20_000), A)).toHaveLength(2);
  });

  test("has room for what is gone, however much stays", () => {
    const [large, ...small] = [randomText("large", 8000), A, B, C, D];
    const source = changingSecrets(large, A);
    const search = answersOf(source.give).open();
    for (const value of small) {
      source.change(large, value);
      expect(found(search, large, A, value)).toContain(A);
    }
  });

  test("is kept for an answer while another of the same time ends, and says so twice", () => {
    const source = changingSecrets(A);
    const answers = answersOf(source.give);
    const [one, other] = [answers.open(), answers.open()];
    one.close();
    one.close();
    for (const value of [B, C]) {
      source.change(value);
      expect(found(other, A, value)).toEqual([A, value]);
    }
  });

  test("holds a secret once that goes and comes again", () => {
    const source = changingSecrets(A);
    const search = answersOf(source.give).open();
    const { stateCount } = search.matcher;
    for (let change = 0; change < 5; change += 1) {
      source.change();
      expect(found(search, A)).toEqual([A]);
      source.change(A);
      expect(found(search, A)).toEqual([A]);
    }
    expect(search.matcher.stateCount).toBe(stateCount);
  });
});
