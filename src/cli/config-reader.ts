/** The process that reads the configuration for another one, as `loadConfigApart` asks it to. */
import { ZocaloError } from '../errors.ts';
import { type LoadOptions, loadConfig } from '../server/config/index.ts';
import type { Answer } from './config-process.ts';

process.once('message', async (options: LoadOptions) => {
  const answer = await answerTo(options);
  // What a configuration in TypeScript has started ends here too.
  process.send?.(answer, () => process.exit());
});

async function answerTo(options: LoadOptions): Promise<Answer> {
  try {
    const { config, file, warnings, origin } = await loadConfig(options);
    return { loaded: { config, file, warnings, choosesPort: file === undefined && origin(['listen']) === undefined } };
  } catch (error) {
    return { code: error instanceof ZocaloError ? error.code : undefined, message: (error as Error).message };
  }
}
