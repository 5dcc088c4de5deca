/** The codes whose `retry` is true in the protocol's table, without its sentences: those would be 600 bytes of the SDK. */
const PASSING = /^(RATE_LIMITED|TOO_SLOW|TOO_MANY_ERRORS|TIMEOUT|UNAVAILABLE|SHUTTING_DOWN)$/;

/** Whether the same may be tried again later. */
export const isPassing = ({ code }: { code: string }): boolean => PASSING.test(code);
