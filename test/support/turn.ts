/** One turn of the event loop: what is resolved has been heard of, and what was written to this process may have come. */
export function turn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

/** Lets every promise that can settle do so, where nothing waits for time or for a socket. */
export async function settle(): Promise<void> {
  for (let turns = 0; turns < 3; turns++) await turn();
}
