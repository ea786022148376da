const SECOND_MS = 1000;
/** `2026-11-22T16:32:57.` of the 24 characters; a year beyond 9999 has more before it. */
const BEHIND_SECONDS = -"000Z".length;

/** Makes what writes Unix milliseconds as RFC 3339 in UTC: many lines in a second share all but the last characters. */
export function createTimeText(): (milliseconds: number) => string {
  let second = NaN;
  let text = "";
  return (milliseconds) => {
    const whole = Math.floor(milliseconds / SECOND_MS);
    if (whole !== second) {
      text = new Date(whole * SECOND_MS).toISOString().slice(0, BEHIND_SECONDS);
      second = whole;
    }
    return `${text}${String(Math.floor(milliseconds - whole * SECOND_MS)).padStart(3, "0")}Z`;
  };
}
