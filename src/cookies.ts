/**
 * The cookies of a `Cookie` header, by name (RFC 6265 §5.4). A value is decoded from percent signs, as sessions write it,
 * and stays as it is where that fails. The first of several with one name counts: it has the most specific path.
 */
export function cookiesOf(header: string | undefined): Readonly<Record<string, string>> {
  // Without a prototype: a cookie may be called constructor.
  const cookies: Record<string, string> = Object.create(null);
  for (const part of (header ?? '').split(';')) {
    const at = part.indexOf('=');
    const name = part.slice(0, Math.max(at, 0)).trim();
    if (name === '' || name in cookies) continue;
    const value = part.slice(at + 1).trim();
    cookies[name] = decoded(/^"(.*)"$/.exec(value)?.[1] ?? value);
  }
  return cookies;
}

function decoded(value: string): string {
  try {
    return decodeURIComponent(value);
  } catch {
    return value;
  }
}
