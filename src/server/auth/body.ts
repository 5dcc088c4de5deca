import { utf8 } from '../http/index.ts';

/** Reads an answer's body as JSON. @throws Error when it is larger than `most` bytes, or not JSON. */
export async function readJson(response: Response, most: number): Promise<unknown> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of response.body ?? []) {
    size += chunk.length;
    // Leaving the loop cancels the rest.
    if (size > most) throw new Error(`the answer has more than ${most} bytes`);
    chunks.push(chunk);
  }
  return parseJson(utf8(Buffer.concat(chunks), 'the answer'));
}

/** @throws Error. */
export function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    // The message of JSON.parse would quote the text.
    throw new Error('the answer is not JSON');
  }
}
