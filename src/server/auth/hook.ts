import { type Identity, milliseconds } from '../../hub/index.ts';
import { memberText, ProtocolError } from '../../protocol/index.ts';
import { Semaphore } from '../../semaphore.ts';
import { callApplication } from '../application-call.ts';
import type { HookConfig } from '../config/index.ts';
import type { SparseLog } from '../operations/index.ts';
import { parseJson } from './body.ts';
import { busy } from './busy.ts';
import { rightsOf } from './can.ts';
import type { Handshake } from './credentials.ts';
import { isUserId } from './user-id.ts';

/** What the application says of a visitor. */
export type Verdict =
  | { readonly kind: 'refused' }
  | { readonly kind: 'unknown' }
  | { readonly kind: 'known'; readonly identity: Identity };

/** Calls at a time: a small application has about so many workers. */
const AT_ONCE = 32;
const WAITING = 2_000;
/** Bytes of an answer. */
const MOST = 64 * 1_024;
/** Milliseconds after which somebody comes back whom nobody could judge; the SDK adds a random part. */
const COME_BACK = 3_000;
/**
 * Asks the application who a visitor is, by what came with the handshake. Whatever is not a clear answer lets nobody
 * in, and asks them to come back.
 */
export class Hook {
  readonly #config: HookConfig;
  readonly #log: SparseLog;
  readonly #semaphore = new Semaphore(AT_ONCE, { queueLimit: WAITING, refusal: busy });

  constructor(config: HookConfig, parts: { log: SparseLog }) {
    this.#config = config;
    this.#log = parts.log;
  }

  /** `token`: what nobody else here can check. @throws ProtocolError UNAVAILABLE. */
  async ask(handshake: Handshake, token?: string): Promise<Verdict> {
    const deadline = AbortSignal.timeout(this.#config.timeout);
    try {
      return await this.#semaphore.run(() => this.#ask(handshake, token, deadline));
    } catch (error) {
      const reason = deadline.aborted ? `no answer came within ${this.#config.timeout} ms` : reasonOf(error);
      this.#log.write('error', 'hook', { reason }, 'the hook auth.hook failed: its visitors are asked to come back');
      throw new ProtocolError('UNAVAILABLE', 'who you are cannot be checked just now', COME_BACK);
    }
  }

  async #ask({ url, headers, address }: Handshake, token: string | undefined, signal: AbortSignal): Promise<Verdict> {
    signal.throwIfAborted();
    const passedOn = this.#config.headers.flatMap((name) => {
      const value = headers[name.toLowerCase()];
      return value === undefined ? [] : [[name, value]];
    });
    // A question may be asked twice: its answer changes nothing.
    const answer = await callApplication({
      url: this.#config.url,
      headers: { ...Object.fromEntries(passedOn), 'content-type': 'application/json' },
      body: JSON.stringify({ url, address, token }),
      signal,
    });
    const { status } = answer;
    if (status === 200) return verdictOf(await answer.text(MOST));
    void answer.discard();
    if (status === 401 || status === 403) return { kind: 'refused' };
    throw new Nonsense(`it answers with status ${status}`);
  }
}

/** A number that was written down whole, in the one way in which it can be. */
const WHOLE = /^(?:0|-?[1-9]\d*)$/;

class Nonsense extends Error {}

/** Only our own sentences and the codes of the network: others might quote what was sent. */
function reasonOf(error: unknown): string {
  const { message, code } = error as NodeJS.ErrnoException;
  return code === undefined ? message : `it cannot be reached (${code})`;
}

/** @throws Nonsense; Error for what is no JSON. */
function verdictOf(text: string): Verdict {
  const answer = parseJson(text);
  if (typeof answer !== 'object' || answer === null) throw new Nonsense('the answer is no JSON object');
  const { deny, user, can, data, expiresIn } = answer as Record<string, unknown>;
  if (deny === true) return { kind: 'refused' };
  if (deny !== undefined && deny !== false) throw new Nonsense('deny is neither true nor false');
  // An empty object, or an error that somebody wrote as JSON, is no permission for anybody.
  if (user === null) return { kind: 'unknown' };
  // As it is written: a number of JavaScript would give people with long ids the same one.
  const id = typeof user === 'number' ? memberText(text, 'user')! : user;
  if (typeof user === 'number' && !WHOLE.test(id as string))
    throw new Nonsense(
      'user is a number with a fraction or an exponent, which may have lost digits: write it as a text',
    );
  if (!isUserId(id)) throw new Nonsense('user is no text that can be an id, no number and not null');
  const rights = rightsOf(can);
  const life = expiresIn === undefined ? undefined : milliseconds(expiresIn as string | number);
  return {
    kind: 'known',
    identity: {
      user: id,
      ...(data !== undefined && { data }),
      ...(rights && { rights }),
      ...(life !== undefined && { expiresIn: life }),
    },
  };
}
