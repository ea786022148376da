/** Text that is HTML already. Only {@link html} makes one, so that what was not escaped cannot stand in a page. */
export class Html {
  readonly #markup: string;

  /** @param markup markup of our own */
  constructor(markup: string) {
    this.#markup = markup;
  }

  toString(): string {
    return this.#markup;
  }
}

/** Markup with values in it: every string among them is escaped, for an element's text and for a quoted attribute. */
export function html(markup: TemplateStringsArray, ...values: readonly (string | Html)[]): Html {
  const escaped = values.map((value) => (value instanceof Html ? value.toString() : escapeHtml(value)));
  return new Html(String.raw({ raw: markup }, ...escaped));
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
