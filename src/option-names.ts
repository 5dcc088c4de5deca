import { ZocaloError } from './errors.ts';
import { nearest } from './nearest.ts';

/** Every name that an object of options may have. Its type makes the compiler ask for each new one. */
export type OptionNames<Options> = Readonly<Record<keyof Options, true>>;

/**
 * Refuses a name that there is not: ignored, a misspelt `publish: false` would leave a channel open. `where` follows the
 * name in the sentence, such as `of the hub`.
 * @throws ZocaloError BAD_OPTION with the nearest name that there is.
 */
export function checkNames(options: object, names: object, where: string): void {
  for (const name of Object.keys(options)) {
    if (Object.hasOwn(names, name)) continue;
    const known = Object.keys(names);
    const meant = nearest(name, known);
    throw new ZocaloError('BAD_OPTION', `there is no option ${name} ${where}`, {
      advice: meant ? `did you mean ${meant}?` : `there ${known.length > 1 ? 'are' : 'is'} ${known.join(', ')}`,
    });
  }
}
