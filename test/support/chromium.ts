import { execFileSync } from 'node:child_process';
import { type Browser, chromium } from 'playwright-core';

/** The machine's own Chromium, headless. Guard the test with `{ skip: missing('chromium') }`. */
export function launchChromium(): Promise<Browser> {
  return chromium.launch({
    executablePath: execFileSync('which', ['chromium'], { encoding: 'utf8' }).trim(),
    args: [
      '--no-sandbox', // a container's root may not make one
      '--disable-background-networking',
      '--disable-component-update',
      '--disable-dev-shm-usage', // containers have little of it
      '--disable-background-timer-throttling', // two pages at once: the hidden one must not fall asleep
      '--disable-renderer-backgrounding',
    ],
  });
}
