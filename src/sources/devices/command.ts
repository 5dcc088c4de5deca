import { bytesOf } from '../framing/index.ts';

/** A command: the payload of a frame. Text is sent as UTF-8. */
export type Command = string | { readonly hex: string } | Uint8Array;

/** @throws ZocaloError BAD_OPTION for what is not hexadecimal. */
export function commandBytes(command: Command): Uint8Array {
  if (command instanceof Uint8Array) return command;
  return typeof command === 'string' ? Buffer.from(command) : bytesOf(command);
}
