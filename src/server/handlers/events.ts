/** Everything that a handler can be asked or told. */
export const EVENTS = ['connect', 'subscribe', 'publish', 'call', 'unsubscribe', 'disconnect'] as const;

export type EventName = (typeof EVENTS)[number];
