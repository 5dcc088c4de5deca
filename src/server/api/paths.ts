/** Whether a request with this URL is for an event stream. */
export function isEvents(url = ''): boolean {
  return url === '/sse' || url.startsWith('/sse?');
}

/** Whether a request with this URL is for the API at all. */
export function isApi(url = ''): boolean {
  return isEvents(url) || /^\/api(?:[/?]|$)/.test(url);
}
