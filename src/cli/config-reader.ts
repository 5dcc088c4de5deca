/** The process that reads the configuration for another one, as `loadConfigApart` requests. */
import { readFileSync } from 'node:fs';
import { ZocaloError } from '../errors.ts';
import { loadConfig } from '../server/config/index.ts';
import type { Answer, Question } from './config-process.ts';

process.once('message', async (question: Question) => {
  const answer = await answerTo(question);
  // The one who asked closes the channel when it has the answer, which Deno would lose with a process that ends at once.
  // That also ends what a configuration in TypeScript has started.
  process.once('disconnect', () => process.exit());
  process.send?.(answer);
});

async function answerTo({ options, version }: Question): Promise<Answer> {
  try {
    const installed = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8')).version;
    if (version !== installed)
      throw new ZocaloError('BAD_CONFIG', `the daemon is version ${version}, and ${installed} is installed`, {
        advice: 'restart it',
      });
    const { config, file, warnings, origin } = await loadConfig(options);
    const choosesPort = file === undefined && origin(['listen']) === undefined;
    return { loaded: { config, file, warnings, choosesPort, openFiles: openFiles() } };
  } catch (error) {
    if (error instanceof ZocaloError) return { code: error.code, happened: error.happened, advice: error.advice };
    return { message: (error as Error).message };
  }
}

/** The limit that this process has inherited; Node raises it as far as allowed. */
function openFiles(): number | undefined {
  Object.assign(process.report, { excludeNetwork: true }); // it would look up names
  const { userLimits } = process.report.getReport() as { userLimits?: { open_files?: { soft: number | string } } };
  const soft = userLimits?.open_files?.soft;
  return typeof soft === 'number' ? soft : undefined;
}
