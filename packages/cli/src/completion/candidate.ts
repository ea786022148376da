/** A word that a shell may complete to. */
export interface Candidate {
  readonly word: string;
  readonly description?: string;
}
