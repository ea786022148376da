/** What a rule answers when it refuses. */
export interface Refusal {
  readonly ok: false;
  /** A sentence for the caller that repeats nothing of what was refused. */
  readonly reason: string;
}

export function refuse(reason: string): Refusal {
  return { ok: false, reason };
}
