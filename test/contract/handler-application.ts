import { createReadStream, writeSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';

/** What a test wants of the application, as the data of a call. */
export interface Wish {
  /** The answer, to the letter. Default: what came. */
  readonly say?: string;
  /** Milliseconds that it takes. */
  readonly take?: number;
  /** No answer ever comes. */
  readonly hang?: boolean;
  /** The answer has what this process was asked before: the numbers, in order, each at its beginning and at its end. */
  readonly tell?: boolean;
  readonly number?: number;
}

/** An application that does what each event asks for. Answers with the text of the answer; undefined: never. */
export function newApplication(): (text: string) => Promise<string | undefined> {
  const seen: string[] = [];
  return async (text) => {
    const event = JSON.parse(text) as { data?: Wish };
    const { say, take, hang, tell, number } = event.data ?? {};
    if (number !== undefined) seen.push(`begin ${number}`);
    if (take !== undefined) await delay(take);
    if (number !== undefined) seen.push(`end ${number}`);
    if (hang) return undefined;
    if (tell) return JSON.stringify({ result: seen });
    return say ?? `{"result":${text}}`;
  };
}

/** As a worker: an event a line on descriptor 3, an answer a line on descriptor 4. */
if (import.meta.main) {
  const answer = newApplication();
  let rest = '';
  for await (const piece of createReadStream('', { fd: 3, encoding: 'utf8' })) {
    // Not with readline, which takes U+2028 for the end of a line.
    const lines = (rest + piece).split('\n');
    rest = lines.pop()!;
    for (const line of lines) {
      const [, number, text] = /^\["event",(\d+),(.*)\]$/s.exec(line)!;
      const said = await answer(text!);
      if (said === undefined) await new Promise(() => setInterval(() => {}, 1_000));
      writeSync(4, `["ok",${number},${said}]\n`);
    }
  }
}
