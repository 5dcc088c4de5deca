import type { Hub } from '../../hub/index.ts';
import type { ApiKeyConfig, Config } from '../config/index.ts';
import type { Change, Part } from '../part.ts';
import { AdminSessions } from './sessions.ts';

export interface AdministratorsOptions {
  readonly hub: Hub;
  /** Refuses the tokens of a user from now on. */
  readonly revoke: (user: string) => void;
  readonly log: { error(fields: object, sentence: string): void };
}

/** When a reload removes an administrator's key, the tokens and connections made with it end too. */
export class Administrators implements Part {
  readonly name = 'the administrators';
  readonly #options: AdministratorsOptions;

  constructor(options: AdministratorsOptions) {
    this.#options = options;
  }

  prepare(next: Config, now: Config): Change {
    const left = administratorsOf(next);
    const gone = administratorsOf(now).filter(
      ({ name, key }) => !left.some((other) => other.name === name && other.key === key),
    );
    return { commit: () => gone.forEach(({ name }) => void this.#disconnect(AdminSessions.userOf(name))) };
  }

  #disconnect(user: string): void {
    const { hub, revoke, log } = this.#options;
    try {
      revoke(user);
    } catch (err) {
      log.error({ err }, 'the tokens of an administrator whose key was removed could not be revoked');
    }
    for (const connection of hub.user(user).connections) connection.end('UNAUTHORIZED', 'your key was removed');
  }
}

function administratorsOf({ api }: Config): readonly ApiKeyConfig[] {
  return api.keys.filter(({ can }) => can.includes('admin'));
}
