/** Below this many bytes a plain loop beats making a view of words. */
const WORDS_FROM = 96;

const keyBytes = new Uint8Array(4);
const keyWords = new Int32Array(keyBytes.buffer);

/**
 * Masks or unmasks `bytes[start, end)` in place (RFC 6455 §5.3): byte n of the payload is XORed with byte
 * n mod 4 of the key.
 *
 * `key` is the key's four bytes as one number, the first byte highest. `offset` is how much of the payload came
 * before `start`.
 */
export function applyMask(bytes: Uint8Array, start: number, end: number, key: number, offset = 0): void {
  let at = start;
  let phase = offset & 3;
  if (end - at >= WORDS_FROM) {
    while (((bytes.byteOffset + at) & 3) !== 0) {
      bytes[at++]! ^= key >>> (24 - 8 * phase);
      phase = (phase + 1) & 3;
    }
    // A typed array has the machine's byte order, so the key's word is made by the machine too.
    for (let i = 0; i < 4; i++) keyBytes[i] = key >>> (24 - 8 * ((phase + i) & 3));
    const word = keyWords[0]!;
    const count = (end - at) >> 2;
    const words = new Int32Array(bytes.buffer, bytes.byteOffset + at, count);
    for (let i = 0; i < count; i++) words[i]! ^= word;
    at += count * 4;
  }
  for (; at < end; at++) {
    bytes[at]! ^= key >>> (24 - 8 * phase);
    phase = (phase + 1) & 3;
  }
}
