import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import type { IncomingMessage, ServerResponse } from 'node:http';
import * as nodeModule from 'node:module';
import { answerText } from './answer.ts';

/**
 * What may be served, and nothing else: URL path to file. A request is looked up, never resolved, so that no
 * path leads out of the table.
 */
export type FileTable = Readonly<Record<string, URL>>;

interface Page {
  body: Buffer;
  headers: Readonly<Record<string, string>>;
}

const TYPES: Readonly<Record<string, string>> = {
  html: 'text/html; charset=utf-8',
  css: 'text/css; charset=utf-8',
  svg: 'image/svg+xml',
  js: 'text/javascript; charset=utf-8',
  ts: 'text/javascript; charset=utf-8',
  map: 'application/json',
};

/**
 * The page may load scripts, styles and pictures from here, and talk to here; nothing inline, nothing from
 * elsewhere, in nobody's frame. Trusted types turn any HTML made from a string into an error.
 */
const SECURITY = {
  'content-security-policy': [
    "default-src 'none'",
    "script-src 'self'",
    "style-src 'self'",
    "img-src 'self'",
    "connect-src 'self'",
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
    "require-trusted-types-for 'script'",
  ].join('; '),
  'x-content-type-options': 'nosniff',
  'x-frame-options': 'DENY',
  'referrer-policy': 'no-referrer',
  'cross-origin-opener-policy': 'same-origin',
  'cross-origin-resource-policy': 'same-origin',
};

/** A few files, read once and answered from memory. */
export class StaticFiles {
  readonly #pages: ReadonlyMap<string, Page>;
  readonly #alias: (path: string) => string;

  constructor(pages: ReadonlyMap<string, Page>, alias: (path: string) => string = (path) => path) {
    this.#pages = pages;
    this.#alias = alias;
  }

  /** These and `others`, which win where both have a path. */
  with(others: StaticFiles): StaticFiles {
    return new StaticFiles(new Map([...this.#pages, ...others.#pages]), this.#alias);
  }

  /** Other paths for the pages: `alias` answers the path in the table for a requested one. Default: each is its own. */
  under(alias: (path: string) => string): StaticFiles {
    return new StaticFiles(this.#pages, alias);
  }

  /** Reads all the files of the table. TypeScript becomes JavaScript on the way. `extra` headers replace the usual. */
  static async read(table: FileTable, extra: Readonly<Record<string, string>> = {}): Promise<StaticFiles> {
    const entries = Object.entries(table).map(async ([path, file]): Promise<[string, Page]> => {
      const extension = file.pathname.split('.').at(-1) ?? '';
      const type = TYPES[extension];
      if (!type) throw new Error(`no content type for ${file.pathname}`);
      const bytes = await readFile(file);
      const body = extension === 'ts' ? Buffer.from(withoutTypes(bytes.toString())) : bytes;
      const headers = {
        ...SECURITY,
        ...extra,
        'content-type': type,
        'content-length': String(body.length),
        // Ask each time whether it is still the same: the answer is short, and a new version counts at once.
        'cache-control': 'no-cache',
        etag: `"${createHash('sha256').update(body).digest('base64url').slice(0, 22)}"`,
      };
      return [path, { body, headers }];
    });
    return new StaticFiles(new Map(await Promise.all(entries)));
  }

  /** Answers one request: 200, 304, 404 or 405. */
  handle(request: IncomingMessage, response: ServerResponse): void {
    request.resume();
    if (request.method !== 'GET' && request.method !== 'HEAD') {
      refuse(response, 405, 'Method not allowed: this server answers GET and HEAD.', { allow: 'GET, HEAD' });
      return;
    }
    const path = (request.url ?? '').split('?', 1)[0] ?? '';
    const page = this.#pages.get(this.#alias(path));
    if (!page) {
      refuse(response, 404, 'Not found.');
      return;
    }
    if (matches(request.headers['if-none-match'], page.headers.etag)) {
      const { 'content-length': _length, 'content-type': _type, ...headers } = page.headers;
      response.writeHead(304, headers).end();
      return;
    }
    response.writeHead(200, page.headers);
    response.end(request.method === 'HEAD' ? undefined : page.body);
  }
}

function refuse(
  response: ServerResponse,
  status: number,
  sentence: string,
  headers: Record<string, string> = {},
): void {
  answerText(response, status, `${sentence}\n`, { headers: { ...SECURITY, ...headers } });
}

/** RFC 9110 §13.1.2: any of a list, compared weakly, or `*`. */
function matches(header: string | undefined, etag: string | undefined): boolean {
  if (!header || !etag) return false;
  return header.split(',').some((candidate) => ['*', etag].includes(candidate.trim().replace(/^W\//, '')));
}

/**
 * Blanks the types out, so that lines and columns stay as they are. Node runs this very code for its own `.ts`
 * files without a word, but warns whoever calls it that the call's name may change: not for a user's eyes.
 */
function withoutTypes(source: string): string {
  const { emitWarning } = process;
  process.emitWarning = () => {};
  try {
    return nodeModule.stripTypeScriptTypes(source);
  } finally {
    process.emitWarning = emitWarning;
  }
}
