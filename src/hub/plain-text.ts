/**
 * JSON as somebody sees it who knows only text: a string as its characters, and everything else as JSON. A string with
 * half a character stays JSON too, since no UTF-8 has it.
 */
export function plainText(json: string): string {
  if (!json.startsWith('"')) return json;
  const text: string = JSON.parse(json);
  return text.isWellFormed() ? text : json;
}
