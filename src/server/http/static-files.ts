import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import type { IncomingMessage, ServerResponse } from 'node:http';
import * as nodeModule from 'node:module';
import { answerText } from './answer.ts';
import { Compressed } from './compressed.ts';
import { bestEncoding } from './content-coding.ts';

/**
 * The files that are served: URL path to file. A path is looked up, never resolved, so that nothing else can be
 * reached.
 */
export type FileTable = Readonly<Record<string, URL>>;

interface Page {
  body: Compressed;
  /** Without those that depend on the coding. */
  headers: Readonly<Record<string, string>>;
  /** A digest of the content. */
  digest: string;
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
 * The page may load scripts, styles and images from this server, and connect to it. Nothing inline, nothing from other
 * servers, and no framing. Trusted types make it an error to create HTML from a string.
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

/** A few files, read once and served from memory. */
export class StaticFiles {
  readonly #pages: ReadonlyMap<string, Page>;
  readonly #alias: (path: string) => string;

  constructor(pages: ReadonlyMap<string, Page>, alias: (path: string) => string = (path) => path) {
    this.#pages = pages;
    this.#alias = alias;
  }

  /** These and `others`, which take precedence where both have a path. */
  with(others: StaticFiles): StaticFiles {
    return new StaticFiles(new Map([...this.#pages, ...others.#pages]), this.#alias);
  }

  /** The same files under other paths: `alias` returns the path in the table for a requested path. */
  under(alias: (path: string) => string): StaticFiles {
    return new StaticFiles(this.#pages, alias);
  }

  /** Reads the files of the table, and turns TypeScript into JavaScript. `extra` headers override the defaults. */
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
        // The browser asks each time whether it has changed: the answer is short, and a new version is used at once.
        'cache-control': 'no-cache',
        vary: 'accept-encoding',
      };
      const digest = createHash('sha256').update(body).digest('base64url').slice(0, 22);
      return [path, { body: new Compressed(body), headers, digest }];
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
    // What fails here is the connection, or there is no memory for the compressed file.
    send(request, response, page).catch(() => response.destroy());
  }
}

async function send(request: IncomingMessage, response: ServerResponse, page: Page): Promise<void> {
  const coding = bestEncoding(request.headers['accept-encoding']);
  // RFC 9110 §8.8.3.3: each coding has a tag of its own.
  const etag = `"${page.digest}${coding === 'identity' ? '' : `-${coding}`}"`;
  if (matches(request.headers['if-none-match'], etag)) {
    const { 'content-type': _type, ...headers } = page.headers;
    response.writeHead(304, { ...headers, etag }).end();
    return;
  }
  const body = await page.body.as(coding);
  response.writeHead(200, {
    ...page.headers,
    etag,
    'content-length': String(body.length),
    ...(coding !== 'identity' && { 'content-encoding': coding }),
  });
  response.end(request.method === 'HEAD' ? undefined : body);
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
 * Replaces the types by blanks, so that lines and columns stay the same. Node warns callers of this function that its
 * name may change; users need not see that.
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
