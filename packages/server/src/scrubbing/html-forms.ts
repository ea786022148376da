const ENCODERS: readonly Readonly<Record<string, string>>[] = [
  // Python, lodash and PHP's default write the apostrophe in three ways
  { "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "'": "&#x27;" },
  { "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "'": "&#39;" },
  { "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "'": "&#039;" },
  // Go
  { "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&#34;", "'": "&#39;" },
  // XML
  { "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "'": "&apos;" },
  // text that is not in an attribute
  { "&": "&amp;", "<": "&lt;", ">": "&gt;" },
];

/** The text as the common HTML and XML encoders write it. May repeat. */
export function htmlForms(text: string): string[] {
  return ENCODERS.map((encoder) => text.replace(/[&<>"']/g, (character) => encoder[character] ?? character));
}
