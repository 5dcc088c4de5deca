import type { z } from 'zod';
import { dataIssues, ProtocolError } from '../../protocol/index.ts';

/** @throws ProtocolError BAD_MESSAGE, or the schema's own code; the message says which member is wrong and why. */
export function check<Schema extends z.ZodType>(schema: Schema, value: unknown, what: string): z.output<Schema> {
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  const faults = result.error.issues.slice(0, 3).map((issue) => {
    const place = issue.path.length === 0 ? what : `${what}: ${issue.path.join('.')}`;
    return `${place}: ${issue.message}`;
  });
  const [first] = result.error.issues as { params?: { code?: string } }[];
  const code = first?.params?.code ?? 'BAD_MESSAGE';
  throw new ProtocolError(code, faults.join('; '), undefined, undefined, dataIssues(result.error.issues));
}
