/** How the log does. Sizes in bytes; counts since it was opened. */
export interface AuditLogState {
  readonly isFailing: boolean;
  readonly queuedLines: number;
  readonly queuedBytes: number;
  /** Of the file that is written, lines that wait included. */
  readonly fileBytes: number;
  readonly writtenLines: number;
  readonly lostEntries: number;
  readonly failures: number;
}
