import { ZocaloError } from '../../errors.ts';

/** Everything that is wrong with the configuration, each with its place and key: `zocalo.yaml:3: limits.queue must …`. */
export class ConfigError extends ZocaloError {
  readonly problems: readonly string[];

  constructor(problems: readonly string[]) {
    super('BAD_CONFIG', problems.join('\n'));
    this.name = 'ConfigError';
    this.problems = problems;
  }
}
