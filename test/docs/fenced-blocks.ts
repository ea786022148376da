/** What the comment before a block says should be done with it. */
export type Treatment =
  /** Run in the terminal of the vault's owner or of an agent, after the blocks before it; in the background until it says `until`. */
  | { readonly kind: "run"; readonly as: "owner" | "agent"; readonly until?: string }
  /** Run beside real servers, or in a session of one service; its output holds what it `says`. */
  | { readonly kind: "session"; readonly service?: string; readonly says: string }
  /** JSON or YAML, each document of it sent to the page's vault by an admin. */
  | { readonly kind: "send"; readonly method: string; readonly path: string }
  /** Written to a file of that name in the owner's home, for what goes after it. */
  | { readonly kind: "saved"; readonly file: string }
  /** That test, which is not one of those here, reads the block from its page and runs it. */
  | { readonly kind: "by"; readonly test: string }
  /** The command by which CI runs all tests, these among them: it is compared with what `.ci/run` executes. */
  | { readonly kind: "ci" }
  /** JSON that must fit the schema that OpenAPI has for a body, or for an answer of the status; or for a member of that. */
  | { readonly kind: "body"; readonly method: string; readonly path: string }
  | {
      readonly kind: "answer";
      readonly method: string;
      readonly path: string;
      readonly status: string;
      readonly member?: string;
    }
  | { readonly kind: "unsaid" };

export interface FencedBlock {
  /** Relative to the repository. */
  readonly page: string;
  readonly line: number;
  /** The first word behind the fence, in lower case; empty without one. */
  readonly language: string;
  readonly text: string;
  readonly treatment: Treatment;
  /** Code that goes before it, for what the page said earlier in words. */
  readonly given: string;
  /** Code that goes after it, which uses what it made. */
  readonly then: string;
}

const FENCE = /^( *)(`{3,}|~{3,})([^`]*)$/;
const COMMENT = /^\s*<!-- (test|given|then): (.+) -->$/;

/** The fenced blocks of a page in Markdown (CommonMark 0.31 §4.5), with the comments right before each. */
export function fencedBlocks(page: string, markdown: string): FencedBlock[] {
  const blocks: FencedBlock[] = [];
  const lines = markdown.split("\n");
  let comments: Record<string, string> = {};
  for (let at = 0; at < lines.length; at++) {
    const line = lines[at] ?? "";
    const [, key = "", value = ""] = COMMENT.exec(line) ?? [];
    const [, indentation = "", fence = "", info = ""] = FENCE.exec(line) ?? [];
    if (key !== "") comments = { ...comments, [key]: value };
    else if (fence !== "") {
      const from = at + 1;
      const isEnd = (text: string): boolean => text.trim().startsWith(fence) && /^[`~]+$/.test(text.trim());
      at = lines.findIndex((text, index) => index >= from && isEnd(text));
      if (at < 0) throw new Error(`${page}:${String(from)}: a block without an end`);
      const text = lines
        .slice(from, at)
        .map((text) => text.replace(new RegExp(`^ {0,${indentation.length}}`), ""));
      blocks.push({
        ...{ page, line: from, text: `${text.join("\n")}\n` },
        language: (info.trim().split(/\s/)[0] ?? "").toLowerCase(),
        treatment: treatmentOf(comments.test),
        given: comments.given ?? "",
        then: comments.then ?? "",
      });
      comments = {};
    } else if (line.trim() !== "" && line !== "<!-- prettier-ignore -->") comments = {};
  }
  return blocks;
}

/** @throws Error for words that mean nothing */
export function treatmentOf(words: string | undefined): Treatment {
  if (words === undefined) return { kind: "unsaid" };
  if (words === "run by CI") return { kind: "ci" };
  const until = /^run until (.+)$/.exec(words)?.[1];
  if (until !== undefined) return { kind: "run", as: "owner", until };
  if (words === "run") return { kind: "run", as: "owner" };
  if (words === "run as agent") return { kind: "run", as: "agent" };
  const session = /^run (?:with servers|in a session of ([^\s,]+))(?:, says (.+))?$/.exec(words);
  if (session !== null) {
    const [, service, says = ""] = session;
    return { kind: "session", says, ...(service === undefined ? {} : { service }) };
  }
  const test = /^run by ((?:test|packages)\/[\w./-]+)$/.exec(words)?.[1];
  if (test !== undefined) return { kind: "by", test };
  const file = /^saved as ([\w.-]+)$/.exec(words)?.[1];
  if (file !== undefined) return { kind: "saved", file };
  const [kind, method, path, status, member] = words.split(" ");
  if (method !== undefined && path !== undefined) {
    if (kind === "send" || kind === "body") return { kind, method, path };
    if (kind === "answer" && status !== undefined) {
      return { kind, method, path, status, ...(member === undefined ? {} : { member }) };
    }
  }
  throw new Error(`what should be done with a block that says “${words}”?`);
}

/** A page without its fenced blocks and comments: what is prose. */
export function proseOf(markdown: string): string {
  return markdown
    .replaceAll(/^( *)(`{3,}|~{3,})[^`]*\n[\s\S]*?^ *\2[`~]*$/gm, "")
    .replaceAll(/<!--[\s\S]*?-->/g, "");
}
