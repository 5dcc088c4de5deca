import { ProtocolError } from './codes.ts';

/**
 * Refuses an option that there is not, which would be ignored otherwise. Short, since every page loads it: the nearest
 * name is the one that shares the most pairs of letters.
 *
 * @throws ProtocolError BAD_OPTION with all names, the nearest first: the list is sorted for it.
 */
export function checkOptions<Options extends object>(
  options: Options | undefined,
  names: (keyof Options & string)[],
): void {
  for (const name in options) {
    const distance = (known: string) =>
      known.length / 2 - [...known].filter((_, at) => name.includes(known.slice(at, at + 2))).length;
    if (!names.includes(name))
      throw new ProtocolError(
        'BAD_OPTION',
        `no option ${name}: did you mean ${names.sort((a, b) => distance(a) - distance(b))}?`,
      );
  }
}
