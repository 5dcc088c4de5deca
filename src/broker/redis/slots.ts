/** The number of slots of a Redis cluster (https://redis.io/docs/latest/operate/oss_and_stack/reference/cluster-spec/). */
export const SLOTS = 16_384;

/** CRC-16/XMODEM by the table of the polynomial 0x1021, as the specification of Redis Cluster says. */
const TABLE = Uint16Array.from({ length: 256 }, (_, byte) => {
  let sum = byte << 8;
  for (let bit = 0; bit < 8; bit++) sum = sum & 0x8000 ? (sum << 1) ^ 0x1021 : sum << 1;
  return sum;
});

/** The slot of a key's hash tag; of ASCII texts. */
export function slotOf(tag: string): number {
  let sum = 0;
  for (let at = 0; at < tag.length; at++) sum = ((sum << 8) & 0xffff) ^ TABLE[(sum >>> 8) ^ tag.charCodeAt(at)]!;
  return sum % SLOTS;
}

/**
 * A hash tag for each of `count` equal ranges of slots, in their order: so that any division of the slots among servers
 * divides the tags as evenly. Always the same ones for the same count.
 */
export function evenTags(count: number): string[] {
  const tags: string[] = new Array(count);
  for (let number = 0, left = count; left > 0; number++) {
    const tag = number.toString(36);
    const range = Math.floor((slotOf(tag) * count) / SLOTS);
    if (tags[range] !== undefined) continue;
    tags[range] = tag;
    left--;
  }
  return tags;
}
