/** Headers that belong to the call of the application itself. */
export const OWN_HEADERS: readonly string[] = [
  'host',
  'content-length',
  'content-type',
  'transfer-encoding',
  'connection',
  'upgrade',
  'keep-alive',
  'te',
  'expect',
];

/** Whether a header of a handshake can be passed on to the application. */
export function isPassedOn(name: string): boolean {
  return /^[\w-]+$/.test(name) && !OWN_HEADERS.includes(name.toLowerCase());
}
