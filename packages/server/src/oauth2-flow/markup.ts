/** Text that is markup (HTML) already. Only {@link markup} makes one, so that what was not escaped cannot stand in a page. */
export class Markup {
  readonly #text: string;

  /** @param text of our own */
  constructor(text: string) {
    this.#text = text;
  }

  toString(): string {
    return this.#text;
  }
}

/** Markup with values in it: every string among them is escaped, for an element's text and for a quoted attribute. */
export function markup(template: TemplateStringsArray, ...values: readonly (string | Markup)[]): Markup {
  const escaped = values.map((value) => (value instanceof Markup ? value.toString() : escapeHtml(value)));
  return new Markup(String.raw({ raw: template }, ...escaped));
}

const ENTITIES: Readonly<Record<string, string>> = {
  "&": "&amp;",
  "<": "&lt;",
  ">": "&gt;",
  '"': "&quot;",
  "'": "&#39;",
  "`": "&#96;",
};

/** A control character would be invisible, or turn the direction of what stands behind it. */
const UNSHOWABLE = /[\p{Cc}\p{Cf}\p{Cs}\p{Co}\p{Cn}\p{Zl}\p{Zp}]/gu;

function escapeHtml(text: string): string {
  return text.replace(UNSHOWABLE, "\uFFFD").replace(/[&<>"'`]/g, (character) => ENTITIES[character] ?? "");
}
