/**
 * The beginnings of the codes whose `retry` is true in the protocol's table; a test compares them. The table itself would add 600 bytes
 * to the SDK, because of its texts.
 */
const PASSING = /^(RATE_|TOO_SLOW|TOO_MANY_E|TIMEO|UNAV|SHUT)/;

/** Whether the same request may succeed later. */
export const isPassing = ({ code }: { code: string }): boolean => PASSING.test(code);
