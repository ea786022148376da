/* How programs write a text into another; each treats every character by itself. */

export const json = (text: string): string => JSON.stringify(text).slice(1, -1);
export const unicodeEscapes = (text: string): string =>
  text.replace(/[^]/g, (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`);
export const asciiJson = (text: string): string => json(text).replace(/[^\0-\x7f]/g, unicodeEscapes);
export const html = (text: string): string =>
  text
    .replaceAll("&", "&amp;")
    .replaceAll("<", "&lt;")
    .replaceAll(">", "&gt;")
    .replaceAll('"', "&quot;")
    .replaceAll("'", "&#39;");
export const xml = (text: string): string => html(text).replaceAll("&#39;", "&apos;");
export const formValue = (text: string): string => new URLSearchParams({ a: text }).toString().slice(2);
export const percent = (text: string): string =>
  encodeURIComponent(text).replace(/[!'()*]/g, (mark) => `%${mark.charCodeAt(0).toString(16).toUpperCase()}`);
export const lowerPercent = (text: string): string =>
  percent(text).replace(/%../g, (escape) => escape.toLowerCase());
