/** Headers that the call to the application sets itself. */
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
  'proxy', // over FastCGI it would set HTTP_PROXY, which programs obey
];

/** Whether a header of a handshake can be passed on to the application. */
export function isPassedOn(name: string): boolean {
  return /^[\w-]+$/.test(name) && !OWN_HEADERS.includes(name.toLowerCase());
}
