import { type Identity, milliseconds } from '../../hub/index.ts';
import { isChannel, memberText, ProtocolError } from '../../protocol/index.ts';
import { isUserId, parseGrants, type Verdict } from '../auth/index.ts';
import { BadAnswer, denialIn, jsonIn, objectIn } from './answer.ts';

/** An integer as it can be written in exactly one way. */
const WHOLE = /^(?:0|-?[1-9]\d*)$/;

/** The answer to `connect`: who a visitor is. @throws BadAnswer; ProtocolError when they are to come back later. */
export function readIdentity(text: string): Verdict {
  const answer = objectIn(text);
  const denial = denialIn(answer, 'connect');
  if (denial && (denial.code === 'RATE_LIMITED' || denial.code === 'UNAVAILABLE'))
    throw new ProtocolError(denial.code, denial.message, denial.after, undefined, denial.details);
  if (denial) return { kind: 'refused', message: denial.message };
  const { user, can, data, channels, expiresIn } = answer;
  // Neither an empty object nor an error that is written as JSON is a permission.
  if (user === null) return { kind: 'unknown' };
  // As it is written: as numbers of JavaScript, two long ids could become the same.
  const id = typeof user === 'number' ? memberText(text, 'user')! : user;
  if (typeof user === 'number' && !WHOLE.test(id as string))
    throw new BadAnswer(
      'user is a number with a fraction or an exponent, which may have lost digits: write it as a text',
    );
  if (!isUserId(id)) throw new BadAnswer('user must be a text that can be an id, an integer, or null');
  if (channels !== undefined && !(Array.isArray(channels) && channels.every((name) => isChannel(name))))
    throw new BadAnswer('channels is not a list of names of channels');
  return {
    kind: 'known',
    identity: {
      user: id,
      // As text: a handler gets it back with each event.
      ...(data !== undefined && { data: jsonIn(text, 'data') }),
      ...(channels !== undefined && { channels: channels as string[] }),
      ...limitsOf(can, expiresIn),
    },
  };
}

/** @throws BadAnswer. */
function limitsOf(can: unknown, expiresIn: unknown): Pick<Identity, 'rights' | 'expiresIn'> {
  const rights = attempt(() => parseGrants(can), 'can is not a list of rights like sub:chat:*');
  const duration = () => (expiresIn === undefined ? undefined : milliseconds(expiresIn as string | number));
  const life = attempt(duration, "expiresIn is neither milliseconds nor a text like '30s'");
  return { ...(rights && { rights }), ...(life !== undefined && { expiresIn: life }) };
}

function attempt<T>(read: () => T, sentence: string): T {
  try {
    return read();
  } catch {
    throw new BadAnswer(sentence);
  }
}
