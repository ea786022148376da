import { InvalidArgumentError } from "commander";

/** The value of an option that names where an API is. What else there is to say of one, the vault says. */
export function baseUrlValue(text: string): string {
  // {token} stands in the place of a path's segment.
  const url = text.replaceAll("{token}", "token");
  if (!/^https?:\/\/[^/]/i.test(url) || !URL.canParse(url)) {
    throw new InvalidArgumentError("It takes an absolute address, such as https://api.example.com");
  }
  return text;
}
