/** How a test of a service ended. */
export interface CheckOutcome {
  readonly ok: boolean;
  /** What follows the service's name. */
  readonly message: string;
  /** What to do about it. */
  readonly hint?: string | undefined;
  /** The API answered as to a credential that it does not know. */
  readonly isWrongCredential?: true;
  /** What else was learnt. */
  readonly note?: string | undefined;
  /** What `--json` prints. */
  readonly data: object;
}
