/** An object that is open, by the names that it had so far; an array has none. */
type Open = { first: string | undefined; rest: Set<string> | undefined } | undefined;

/**
 * Whether an object in a JSON text names a field twice. RFC 8259 §4 leaves open which one counts then, and whoever checked
 * the text before may have seen the other. Time is linear.
 *
 * @param json well-formed
 */
export function holdsRepeatedField(json: string): boolean {
  const open: Open[] = [];
  let isNameNext = false;
  for (let index = 0; index < json.length; index += 1) {
    switch (json[index]) {
      case "{":
        open.push({ first: undefined, rest: undefined });
        isNameNext = true;
        break;
      case "[":
        open.push(undefined);
        isNameNext = false;
        break;
      case "}":
      case "]":
        open.pop();
        isNameNext = false;
        break;
      case ",":
        isNameNext = open.at(-1) !== undefined;
        break;
      case '"': {
        const end = endOfString(json, index);
        if (isNameNext && isRepeated(open.at(-1), JSON.parse(json.slice(index, end + 1)) as string))
          return true;
        isNameNext = false;
        index = end;
        break;
      }
      default:
        break;
    }
  }
  return false;
}

/** @param start of its first quotation mark @returns where the last one is */
function endOfString(json: string, start: number): number {
  for (let index = start + 1; index < json.length; index += 1) {
    const character = json[index];
    if (character === '"') return index;
    if (character === "\\") index += 1;
  }
  return json.length;
}

function isRepeated(object: Open, name: string): boolean {
  if (object === undefined) return false;
  if (object.first === undefined) {
    object.first = name;
    return false;
  }
  object.rest ??= new Set();
  if (object.first === name || object.rest.has(name)) return true;
  object.rest.add(name);
  return false;
}
