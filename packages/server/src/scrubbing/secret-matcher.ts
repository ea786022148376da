import type { Secret } from "../redaction/secret.js";
import { LONGEST_PATTERN } from "./scrubbing-limits.js";
import { secretForms, type FormSet } from "./secret-forms.js";
import { createSkipTable } from "./skip-table.js";

/** A secret to be searched for. */
export interface SearchedSecret {
  readonly secret: Secret;
  /** Default `all`. */
  readonly forms?: FormSet;
}

/**
 * Secrets that change while their service lives, such as tokens that are refreshed. Gives those of now: the same array
 * as long as nothing has changed, another one afterwards. It is asked for every piece of an answer.
 */
export type ChangingSecrets = () => readonly SearchedSecret[];

/** The state in which nothing that was read can be the start of a pattern. */
export const ROOT = 0;

/** Where a search stands: in which bytes it is going on is known to whoever calls. */
export interface ScanCursor {
  /** A state of the automaton; {@link ROOT} at the start of a text. */
  state: number;
  /** Index of the next byte. */
  position: number;
}

/**
 * The patterns of some secrets as an Aho–Corasick automaton (Aho and Corasick, 1975). Immutable; one serves any
 * number of streams. It is the only form in which the secrets are kept here, and goes when it is dropped.
 */
export interface SecretMatcher {
  /** Bytes of the longest pattern; 0 if there is nothing to search for. */
  readonly longestPattern: number;
  readonly stateCount: number;
  /** Memory that the tables take, in bytes. */
  readonly tableBytes: number;
  /**
   * Reads on from the cursor to the end of the next occurrence, or of `bytes`. Moves the cursor.
   * @returns the length of the longest pattern that ends at the cursor's position now; 0 if `bytes` has no more
   */
  findNext(bytes: Uint8Array, cursor: ScanCursor): number;
  /**
   * How many of the last bytes could be the start of an occurrence that is not complete yet: the longest suffix of
   * what was read that a pattern begins with. A pattern that has ended and is the start of no longer one counts not.
   */
  depth(state: number): number;
  /** The bytes that lead from the root to this state: as many as {@link SecretMatcher.depth} says. */
  prefix(state: number): Buffer;
  /** How many of the bytes that lead to this state belong to a public start of a pattern. */
  publicDepth(state: number): number;
  /** The state of the patterns' common start that is longer by one byte, if there is one. */
  child(state: number, byte: number): number | undefined;
  /** Whether exactly the bytes that lead from the root to this state are a pattern. */
  isPattern(state: number): boolean;
}

/** Compiles what {@link secretForms} gives for each secret; those too short to be searched for are left out. */
export function compileSecretMatcher(secrets: Iterable<SearchedSecret>): SecretMatcher {
  const patterns: Buffer[] = [];
  for (const { secret, forms } of secrets) patterns.push(...secretForms(secret.reveal(), forms));
  const matcher = compilePatterns(patterns);
  for (const pattern of patterns) pattern.fill(0);
  return matcher;
}

/**
 * The tables are not those of a full DFA but of the trie: states are numbered breadth first, so that the children of
 * a state stand side by side and need only their label; from where there is no child, the failure link leads on.
 * That takes 11 bytes a state instead of hundreds, costs at most two steps a byte however hostile the text, and is
 * rarely walked at all: most bytes are skipped, see {@link createSkipTable}.
 *
 * @param publicStarts what patterns begin with that is no secret
 * @throws {RangeError} if a pattern is empty or longer than {@link LONGEST_PATTERN}
 */
export function compilePatterns(
  patterns: readonly Uint8Array[],
  publicStarts: readonly Uint8Array[] = [],
): SecretMatcher {
  let longestPattern = 0;
  for (const { length } of patterns) {
    if (length < 1 || length > LONGEST_PATTERN) {
      throw new RangeError(`a pattern has between 1 and ${LONGEST_PATTERN} bytes`);
    }
    longestPattern = Math.max(longestPattern, length);
  }
  const automaton = buildAutomaton(patterns);
  const { labels, firstChild, depths, longest, fail, nextOfRoot } = automaton;
  const publicDepths = publicDepthsOf(automaton, publicStarts);
  const { skips, mask, window } = createSkipTable(patterns);
  const stateCount = labels.length;
  // The states with a depth that is cheap to read again; breadth first, so that they come first.
  let shallowEnd = depths.findIndex((depth) => depth > SHALLOW_DEPTH);
  if (shallowEnd < 0) shallowEnd = stateCount;

  return {
    longestPattern,
    stateCount,
    tableBytes: [labels, firstChild, depths, longest, fail, nextOfRoot, skips, publicDepths].reduce(
      (sum, table) => sum + table.byteLength,
      0,
    ),

    findNext(bytes, cursor) {
      const end = bytes.length;
      const lastWindow = end - window;
      let { state, position } = cursor;
      // Index of the first byte of what the state stands for; negative if it began in earlier bytes.
      let start = position - (depths[state] ?? 0);
      for (;;) {
        if (state === ROOT) {
          while (position <= lastWindow) {
            const next = position + window;
            const slot =
              (((bytes[next - 3] ?? 0) << 10) ^ ((bytes[next - 2] ?? 0) << 5) ^ (bytes[next - 1] ?? 0)) &
              mask;
            const skip = skips[slot] ?? 0;
            if (skip === 0) break;
            position += skip;
          }
          start = position;
        }
        if (position >= end) break;
        do {
          const byte = bytes[position] ?? 0;
          position += 1;
          for (;;) {
            if (state === ROOT) {
              state = nextOfRoot[byte] ?? ROOT;
              break;
            }
            let child = firstChild[state] ?? 0;
            const childrenEnd = firstChild[state + 1] ?? 0;
            while (child < childrenEnd && labels[child] !== byte) child += 1;
            if (child < childrenEnd) {
              state = child;
              break;
            }
            state = fail[state] ?? ROOT;
          }
          const length = longest[state] ?? 0;
          if (length !== 0) {
            // A leaf goes on exactly as its failure link does, and nothing need be held back for it.
            cursor.state = firstChild[state] === firstChild[state + 1] ? (fail[state] ?? ROOT) : state;
            cursor.position = position;
            return length;
          }
          // What the state stands for begins later than before: from there, the next window may rule it out too.
          if (state < shallowEnd) {
            const newStart = position - (depths[state] ?? 0);
            if (newStart > start && newStart >= 0 && newStart <= lastWindow) {
              position = newStart;
              state = ROOT;
              break;
            }
          }
        } while (position < end);
        if (position >= end) break;
      }
      cursor.state = state;
      cursor.position = position;
      return 0;
    },

    depth: (state) => depths[state] ?? 0,

    prefix(state) {
      const bytes = Buffer.alloc(depths[state] ?? 0);
      for (let at = state, depth = bytes.length; depth > 0; depth -= 1) {
        bytes[depth - 1] = labels[at] ?? 0;
        at = parentOf(firstChild, at);
      }
      return bytes;
    },

    child: (state, byte) => childOf(automaton, state, byte),

    publicDepth: (state) => publicDepths[state] ?? 0,

    isPattern: (state) => state !== ROOT && longest[state] === depths[state],
  };
}

const SHALLOW_DEPTH = 2;

/** The last state whose first child is not behind this one. Children of lower states have lower numbers. */
function parentOf(firstChild: Uint32Array, state: number): number {
  let low = ROOT;
  let high = state;
  while (high - low > 1) {
    const middle = (low + high) >>> 1;
    if ((firstChild[middle] ?? 0) <= state) low = middle;
    else high = middle;
  }
  return low;
}

interface Automaton {
  /** The byte that leads to a state. */
  readonly labels: Uint8Array;
  /** The children of state s are the states from firstChild[s] to firstChild[s + 1] - 1. */
  readonly firstChild: Uint32Array;
  readonly depths: Uint8Array;
  /** Length of the longest pattern that ends in a state, 0 if none does. */
  readonly longest: Uint8Array;
  /** The state of the longest shorter suffix that is a start of a pattern and can go on; leaves are passed over. */
  readonly fail: Uint32Array;
  /** By byte. */
  readonly nextOfRoot: Uint16Array;
}

function buildAutomaton(patterns: readonly Uint8Array[]): Automaton {
  const sorted = [...patterns].sort((a, b) => Buffer.compare(a, b));
  const most = sorted.reduce((sum, pattern) => sum + pattern.length, 1);
  const labels = new Uint8Array(most);
  const depths = new Uint8Array(most);
  const longest = new Uint8Array(most);
  const firstChild = new Uint32Array(most + 1);
  // The sorted patterns that begin with what a state stands for.
  const low = new Uint32Array(most);
  const high = new Uint32Array(most);
  high[ROOT] = sorted.length;
  let count = 1;
  for (let state = 0; state < count; state += 1) {
    firstChild[state] = count;
    const depth = depths[state] ?? 0;
    const rangeEnd = high[state] ?? 0;
    let previous = -1;
    for (let i = low[state] ?? 0; i < rangeEnd; i += 1) {
      const byte = sorted[i]?.[depth];
      if (byte === undefined) {
        longest[state] = depth;
        continue;
      }
      if (byte !== previous) {
        labels[count] = byte;
        depths[count] = depth + 1;
        low[count] = i;
        count += 1;
        previous = byte;
      }
      high[count - 1] = i + 1;
    }
  }
  firstChild[count] = count;

  const automaton = {
    labels: labels.slice(0, count),
    firstChild: firstChild.slice(0, count + 1),
    depths: depths.slice(0, count),
    longest: longest.slice(0, count),
    fail: new Uint32Array(count),
    nextOfRoot: new Uint16Array(256),
  };
  addFailureLinks(automaton);
  return automaton;
}

function childOf({ labels, firstChild }: Automaton, state: number, byte: number): number | undefined {
  const childrenEnd = firstChild[state + 1] ?? 0;
  for (let child = firstChild[state] ?? 0; child < childrenEnd; child += 1) {
    if (labels[child] === byte) return child;
  }
  return undefined;
}

/** By state; empty if there are none. */
function publicDepthsOf(automaton: Automaton, starts: readonly Uint8Array[]): Uint8Array {
  if (starts.length === 0) return new Uint8Array(0);
  const { depths, firstChild } = automaton;
  const publicDepths = new Uint8Array(depths.length);
  for (const start of starts) {
    let state: number | undefined = ROOT;
    for (const byte of start) {
      state = childOf(automaton, state, byte);
      if (state === undefined) break;
      publicDepths[state] = depths[state] ?? 0;
    }
  }
  // Breadth first, so that each state is done before what it hands down is needed.
  for (let state = 0; state < depths.length; state += 1) {
    const childrenEnd = firstChild[state + 1] ?? 0;
    for (let child = firstChild[state] ?? 0; child < childrenEnd; child += 1) {
      if (publicDepths[child] === 0) publicDepths[child] = publicDepths[state] ?? 0;
    }
  }
  return publicDepths;
}

function addFailureLinks({ labels, firstChild, longest, fail, nextOfRoot }: Automaton): void {
  const rootEnd = firstChild[ROOT + 1] ?? 0;
  for (let state = ROOT + 1; state < rootEnd; state += 1) nextOfRoot[labels[state] ?? 0] = state;
  for (let state = ROOT + 1; state < labels.length; state += 1) {
    const childrenEnd = firstChild[state + 1] ?? 0;
    for (let child = firstChild[state] ?? 0; child < childrenEnd; child += 1) {
      let target = stateAfter(fail[state] ?? ROOT, labels[child] ?? 0);
      if (longest[child] === 0) longest[child] = longest[target] ?? 0;
      // A leaf's own link was set before, as it is less deep.
      while (target !== ROOT && firstChild[target] === firstChild[target + 1]) target = fail[target] ?? ROOT;
      fail[child] = target;
    }
  }

  function stateAfter(from: number, byte: number): number {
    for (let state = from; state !== ROOT; state = fail[state] ?? ROOT) {
      const childrenEnd = firstChild[state + 1] ?? 0;
      for (let child = firstChild[state] ?? 0; child < childrenEnd; child += 1) {
        if (labels[child] === byte) return child;
      }
    }
    return nextOfRoot[byte] ?? ROOT;
  }
}
