/**
 * The codes whose `retry` is true in the protocol's table; a test compares them. The table itself would add 600 bytes
 * to the SDK, because of its texts.
 */
const PASSING = /^(RATE_LIMITED|TOO_SLOW|TOO_MANY_ERRORS|TIMEOUT|UNAVAILABLE|SHUTTING_DOWN)$/;

/** Whether the same request may succeed later. */
export const isPassing = ({ code }: { code: string }): boolean => PASSING.test(code);
