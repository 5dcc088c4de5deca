/** Where a FastCGI server listens, and the script that it runs. */
export interface FastcgiAddress {
  /** For `net.connect`. */
  readonly to: { readonly host: string; readonly port: number } | { readonly path: string };
  /** An absolute path, in the server's file system. */
  readonly script: string;
}

/**
 * Reads `fcgi://127.0.0.1:9001/var/www/realtime.php` and `fcgi+unix:/run/php/php-fpm.sock:/var/www/realtime.php`.
 * Undefined for any other text.
 */
export function fastcgiAddress(text: string): FastcgiAddress | undefined {
  // A newline or NUL would end a parameter, or a path, before its time.
  // biome-ignore lint/suspicious/noControlCharactersInRegex: these are what is refused.
  if (/[\x00-\x1f\x7f]/.test(text)) return undefined;
  const [, path, script] = /^fcgi\+unix:(\/[^:]+):(\/.+)$/.exec(text) ?? [];
  if (path !== undefined) return { to: { path }, script: script! };
  const [, host, port, file] = /^fcgi:\/\/(\[[\da-f:.]+\]|[^/?#@:[\]*]+):(\d{1,5})(\/[^?#]+)$/i.exec(text) ?? [];
  if (host === undefined || Number(port) < 1 || Number(port) > 65_535) return undefined;
  return { to: { host: host.replace(/^\[|\]$/g, ''), port: Number(port) }, script: file! };
}
