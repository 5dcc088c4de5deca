const ROW = 16;

/** Bytes as lines with their place, in hexadecimal, and as ASCII: `0010  53 20 53 0d 0a  |S S..|`. */
export function hexDump(bytes: Buffer): string {
  let dump = '';
  for (let at = 0; at < bytes.length; at += ROW) {
    const row = bytes.subarray(at, at + ROW);
    const digits = [...row].map((byte) => byte.toString(16).padStart(2, '0')).join(' ');
    const text = row.toString('latin1').replaceAll(/[^ -~]/g, '.');
    dump += `${at.toString(16).padStart(4, '0')}  ${digits.padEnd(3 * ROW - 1)}  |${text}|\n`;
  }
  return dump;
}
