/** The JSON values that stand in a text one after the other. Throws a SyntaxError where one is none. */
export function jsonDocuments(text: string): unknown[] {
  const documents: unknown[] = [];
  let waiting = "";
  for (const line of text.split("\n")) {
    waiting += `${line}\n`;
    const value = parsed(waiting);
    if (value === undefined) continue;
    documents.push(value);
    waiting = "";
  }
  if (waiting.trim() !== "") JSON.parse(waiting);
  return documents;
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
