/** One offered or accepted extension: its name and its parameters in order (RFC 6455 §9.1). */
export interface Extension {
  readonly name: string;
  readonly parameters: readonly (readonly [name: string, value: string | true])[];
}

const TOKEN = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/;

/** Parses `Sec-WebSocket-Extensions`; null when it is malformed. */
export function parseExtensions(header: string): Extension[] | null {
  const extensions: Extension[] = [];
  for (const element of splitOutsideQuotes(header, ',')) {
    if (element.trim() === '') continue; // RFC 9110 §5.6.1: a list may have empty elements
    const [name, ...rest] = splitOutsideQuotes(element, ';').map((part) => part.trim());
    if (!name || !TOKEN.test(name)) return null;
    const parameters: [string, string | true][] = [];
    for (const part of rest) {
      const equals = part.indexOf('=');
      const key = equals < 0 ? part : part.slice(0, equals).trim();
      const value = equals < 0 ? true : unquote(part.slice(equals + 1).trim());
      if (!TOKEN.test(key) || value === null) return null;
      parameters.push([key, value]);
    }
    extensions.push({ name, parameters });
  }
  return extensions;
}

/** A token unchanged, a quoted token without its quotes; null otherwise. */
function unquote(text: string): string | null {
  const quoted = text.length >= 2 && text.startsWith('"') && text.endsWith('"');
  const value = quoted ? text.slice(1, -1).replace(/\\(.)/g, '$1') : text;
  return TOKEN.test(value) ? value : null;
}

function splitOutsideQuotes(text: string, separator: string): string[] {
  if (!text.includes('"')) return text.split(separator);
  const parts: string[] = [];
  let start = 0;
  let quoted = false;
  for (let at = 0; at < text.length; at++) {
    const character = text[at];
    if (quoted && character === '\\') at++;
    else if (character === '"') quoted = !quoted;
    else if (character === separator && !quoted) {
      parts.push(text.slice(start, at));
      start = at + 1;
    }
  }
  parts.push(text.slice(start));
  return parts;
}
