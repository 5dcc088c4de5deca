/** Variables by name; those that are undefined are left out. */
export type Variables = Readonly<Record<string, string | undefined>>;

/**
 * The environment of a program. In names, blanks, `=` and NUL become underscores; in values, newlines and NUL become
 * blanks. So nothing that a client sent can be read as another variable.
 */
export function cleanEnvironment(...layers: readonly Variables[]): Record<string, string> {
  const clean: Record<string, string> = {};
  for (const layer of layers)
    for (const [name, value] of Object.entries(layer)) {
      const cleanName = name.replace(/[\s\0=]/g, '_');
      if (cleanName !== '' && value !== undefined) clean[cleanName] = value.replace(/[\r\n\0]+/g, ' ').trim();
    }
  return clean;
}
