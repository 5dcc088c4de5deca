import { ZocaloError } from '../../errors.ts';

/** Bytes 0x80 to 0xff of the code pages of DOS, which no decoder of Node's knows. */
const CODE_PAGES: Readonly<Record<string, string>> = {
  cp437:
    'ÇüéâäàåçêëèïîìÄÅÉæÆôöòûùÿÖÜ¢£¥₧ƒáíóúñÑªº¿⌐¬½¼¡«»░▒▓│┤╡╢╖╕╣║╗╝╜╛┐└┴┬├─┼╞╟╚╔╩╦╠═╬╧╨╤╥╙╘╒╓╫╪┘┌█▄▌▐▀αßΓπΣσµτΦΘΩδ∞φε∩≡±≥≤⌠⌡÷≈°∙·√ⁿ²■\u00a0',
  cp850:
    'ÇüéâäàåçêëèïîìÄÅÉæÆôöòûùÿÖÜø£Ø×ƒáíóúñÑªº¿®¬½¼¡«»░▒▓│┤ÁÂÀ©╣║╗╝¢¥┐└┴┬├─┼ãÃ╚╔╩╦╠═╬¤ðÐÊËÈıÍÎÏ┘┌█▄¦Ì▀ÓßÔÒõÕµþÞÚÛÙýÝ¯´\u00ad±‗¾¶§÷¸°¨·¹³²■\u00a0',
};

/** Reads bytes as text; undefined where they are not in the encoding. */
export type TextReader = (bytes: Uint8Array) => string | undefined;

/**
 * `ascii`, `latin1` (which gives every byte a character), `cp437`, `cp850`, or what the Encoding Standard calls it:
 * `utf-8`, `utf-16le`, `windows-1252`, `shift_jis` and so on.
 * @throws ZocaloError BAD_OPTION for another one.
 */
export function textReader(encoding = 'utf-8'): TextReader {
  const name = encoding.toLowerCase();
  const page = CODE_PAGES[name];
  if (page !== undefined) return (bytes) => paged(bytes, page);
  if (name === 'latin1' || name === 'iso-8859-1') return (bytes) => bufferOf(bytes).toString('latin1');
  if (name === 'ascii' || name === 'us-ascii')
    return (bytes) => (bytes.some((byte) => byte > 0x7f) ? undefined : bufferOf(bytes).toString('latin1'));
  return standard(encoding);
}

function standard(encoding: string): TextReader {
  let decoder: InstanceType<typeof TextDecoder>;
  try {
    decoder = new TextDecoder(encoding, { fatal: true, ignoreBOM: true });
  } catch (cause) {
    throw new ZocaloError('BAD_OPTION', `there is no encoding ${encoding}`, {
      advice:
        'write utf-8, ascii, latin1, cp437, cp850, windows-1252, utf-16le, or another name of the Encoding Standard',
      cause,
    });
  }
  return (bytes) => {
    try {
      return decoder.decode(bytes);
    } catch {
      return;
    }
  };
}

function paged(bytes: Uint8Array, page: string): string {
  let text = '';
  for (const byte of bytes) text += byte < 0x80 ? String.fromCharCode(byte) : page[byte - 0x80]!;
  return text;
}

function bufferOf({ buffer, byteOffset, byteLength }: Uint8Array): Buffer {
  return Buffer.from(buffer, byteOffset, byteLength);
}
