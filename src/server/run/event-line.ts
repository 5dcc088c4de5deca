import { aboutText } from './clients.ts';
import type { ProgramEvent } from './event-queue.ts';

/** An event as a line for the program; messages may share one. */
export function lineOf(event: Exclude<ProgramEvent, { verb: 'message' }>): string {
  const { verb, number } = event;
  if (verb === 'binary') return `["binary",${number},"${event.text}"]`;
  if (verb === 'disconnect') return `["disconnect",${number},${event.code}]`;
  return `["${verb}",${number},${aboutText(verb === 'upgrade' ? event.request : event.client.user.request)}]`;
}
