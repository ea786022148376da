/** RFC 3339, in UTC; a number that is no time as it is. */
export function timeText(unixSeconds: number): string {
  const time = new Date(unixSeconds * 1000);
  return Number.isNaN(time.getTime()) ? String(unixSeconds) : time.toISOString();
}
