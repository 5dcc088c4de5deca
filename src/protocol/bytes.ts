/** Bytes as JSON, which the protocol states: an object with this member alone, in base64 (RFC 4648 §4). */
export interface BytesJson {
  $bytes: string;
}

/** Characters that are made of bytes at once: an argument each, of which there may not be too many. */
const CHUNK = 8_192;

function jsonOf(bytes: Uint8Array): BytesJson {
  let text = '';
  for (let at = 0; at < bytes.length; at += CHUNK) text += String.fromCharCode(...bytes.subarray(at, at + CHUNK));
  return { $bytes: btoa(text) };
}

/**
 * The value with each `Uint8Array` in it replaced by the JSON that stands for it: the same value if there is none. It must
 * not be circular.
 */
export function writtenBytes(value: unknown): unknown {
  if (value instanceof Uint8Array) return jsonOf(value);
  if (!holdsBytes(value)) return value;
  if (Array.isArray(value)) return value.map(writtenBytes);
  return Object.fromEntries(Object.entries(value as object).map(([name, part]) => [name, writtenBytes(part)]));
}

/** Objects of classes are left alone: what `JSON.stringify` makes of them is their own matter. */
function holdsBytes(value: unknown): boolean {
  if (typeof value !== 'object' || value === null) return false;
  if (value instanceof Uint8Array) return true;
  if (Array.isArray(value)) return value.some(holdsBytes);
  const kind: unknown = Object.getPrototypeOf(value);
  return (kind === Object.prototype || kind === null) && Object.values(value).some(holdsBytes);
}

/** Whether there may be bytes in a text of JSON; any other is parsed without looking for them. */
export function hasBytes(json: string): boolean {
  return json.includes('"$bytes"');
}

/** Parses JSON, and makes a `Uint8Array` of each object that stands for bytes. @throws SyntaxError. */
export function parseJson(json: string): unknown {
  return JSON.parse(json, hasBytes(json) ? revive : undefined);
}

/** What is no base64 stays the object that was sent. */
function revive(_: string, value: unknown): unknown {
  if (typeof value !== 'object' || value === null || !('$bytes' in value)) return value;
  const { $bytes, ...others } = value as BytesJson;
  if (typeof $bytes !== 'string' || Object.keys(others).length > 0) return value;
  try {
    const text = atob($bytes);
    const bytes = new Uint8Array(text.length);
    for (let at = 0; at < text.length; at++) bytes[at] = text.charCodeAt(at);
    return bytes;
  } catch {
    return value;
  }
}
