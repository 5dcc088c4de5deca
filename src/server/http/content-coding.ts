/** How a body is coded (RFC 9110 §8.4): what we can make, best first. */
export const CODINGS = ['br', 'gzip', 'identity'] as const;

export type Coding = (typeof CODINGS)[number];

/**
 * The best coding that an `Accept-Encoding` allows (RFC 9110 §12.5.3). `q=0` refuses one, `*` speaks for those that are
 * not named, and without the header the body is sent as it is, since a simple program may not look at the coding.
 */
export function bestEncoding(header: string | string[] | undefined): Coding {
  const qualities = new Map<string, number>();
  for (const part of String(header ?? '').split(',')) {
    const [name = '', ...parameters] = part.split(';').map((text) => text.trim().toLowerCase());
    const q = parameters.find((text) => text.startsWith('q='))?.slice(2);
    const quality = q === undefined ? 1 : Number(q);
    if (name !== '') qualities.set(name, Number.isFinite(quality) ? quality : 0);
  }
  const qualityOf = (coding: Coding) =>
    qualities.get(coding) ?? (coding === 'identity' ? undefined : qualities.get('*')) ?? 0;
  // Our order decides between equals. Nobody refuses all codings; then it is sent as it is.
  const [best] = CODINGS.filter((coding) => qualityOf(coding) > 0).toSorted((a, b) => qualityOf(b) - qualityOf(a));
  return best ?? 'identity';
}
