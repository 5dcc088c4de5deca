/**
 * The codes whose `retry` is true in the protocol's table, as a test sees to. The table itself would be 600 bytes of the
 * SDK, for its sentences.
 */
const PASSING = /^(RATE_LIMITED|TOO_SLOW|TOO_MANY_ERRORS|TIMEOUT|UNAVAILABLE|SHUTTING_DOWN)$/;

/** Whether the same may be tried again later. */
export const isPassing = ({ code }: { code: string }): boolean => PASSING.test(code);
