import assert from 'node:assert/strict';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import type { Browser, BrowserContextOptions, Page } from 'playwright-core';
import { connectWebSocket } from '../../src/websocket/index.ts';
import { ChatServerProcess } from '../support/chat-server.ts';
import { launchChromium } from '../support/chromium.ts';
import { missing } from '../support/need.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

describe('the chat in Chromium', { skip: missing('chromium') }, () => {
  let browser: Browser;
  let server: ChatServerProcess;
  const folder = temporaryFolder({ after });
  let rooms = 0;
  /** Errors of the page's scripts, and what its policy had to stop. */
  const troubles: string[] = [];

  before(async () => {
    [browser, server] = await Promise.all([launchChromium(), start()]);
  });
  after(async () => {
    await browser?.close();
    await server?.stop('SIGKILL');
  });

  /** With the same file each time. */
  function start(port = 0): Promise<ChatServerProcess> {
    return ChatServerProcess.start(port, ['--store', `sqlite:${join(folder, 'square.db')}`]);
  }

  /** The path of a room where nobody has been yet. */
  function newRoom(): string {
    return `/chat:room-${++rooms}`;
  }

  /** A visitor of their own: no storage shared with the others. */
  async function visit(path: string, options: BrowserContextOptions = {}): Promise<Page> {
    const context = await browser.newContext({ locale: 'en-GB', ...options });
    const page = await context.newPage();
    page.setDefaultTimeout(20_000);
    page.on('pageerror', (error) => troubles.push(String(error)));
    page.on('console', (message) => {
      if (/Content Security Policy|Trusted/i.test(message.text())) troubles.push(message.text());
    });
    await page.goto(server.url + path);
    return page;
  }

  async function enter(page: Page, name: string): Promise<void> {
    await page.getByLabel('Your name').fill(name);
    await page.getByRole('button', { name: 'Enter' }).click();
    await status(page, 'in');
  }

  async function visitAs(name: string, path: string, options: BrowserContextOptions = {}): Promise<Page> {
    const page = await visit(path, options);
    await enter(page, name);
    return page;
  }

  async function status(page: Page, status: 'out' | 'in' | 'lost'): Promise<void> {
    await page.waitForSelector(`#state[data-status=${status}]`);
  }

  async function say(page: Page, text: string): Promise<void> {
    await page.getByRole('textbox', { name: 'Your message' }).fill(text);
    await page.getByRole('button', { name: 'Send' }).click();
  }

  /** Waits until the page shows exactly that text as a message, and nowhere twice. */
  async function hears(page: Page, text: string): Promise<void> {
    const message = page
      .locator('#log .text')
      .filter({ hasText: new RegExp(`^${text.replace(/[\\^$.*+?()[\]{}|]/g, '\\$&')}$`) });
    await message.first().waitFor();
    assert.equal(await message.count(), 1, text);
  }

  async function leave(...pages: Page[]): Promise<void> {
    for (const page of pages) await page.context().close();
    assert.deepEqual(troubles, []);
  }

  test('two pages exchange messages, and see people join and leave', async () => {
    const room = newRoom();
    const ana = await visitAs('Ana', room);
    const luis = await visitAs('Luis', room);
    await ana.getByText('Luis joined').waitFor();
    await say(ana, 'Hello, Luis');
    await hears(luis, 'Hello, Luis');
    await say(luis, 'Hello, Ana');
    await hears(ana, 'Hello, Ana');
    assert.deepEqual(await luis.locator('#people-list .person').allTextContents(), ['Ana', 'Luis']);
    assert.equal(await luis.locator('#log .name').first().textContent(), 'Ana');
    await leave(luis);
    await ana.getByText('Luis left').waitFor();
    assert.deepEqual(await ana.locator('#people-list .person').allTextContents(), ['Ana']);
    await leave(ana);
  });

  test('two rooms are separate, and each keeps its messages for later visitors', async () => {
    const [tacos, tortas] = [newRoom(), newRoom()];
    const ana = await visitAs('Ana', tacos);
    const luis = await visitAs('Luis', tortas);
    await say(ana, 'two al pastor');
    await say(luis, 'one with everything');
    await hears(ana, 'two al pastor');
    await hears(luis, 'one with everything');
    const eva = await visitAs('Eva', tacos);
    await hears(eva, 'two al pastor');
    await ana.getByText('Eva joined').waitFor();
    for (const [page, people, texts] of [
      [ana, ['Ana', 'Eva'], ['two al pastor']],
      [eva, ['Ana', 'Eva'], ['two al pastor']],
      [luis, ['Luis'], ['one with everything']],
    ] as const) {
      assert.deepEqual(await page.locator('#people-list .person').allTextContents(), people);
      assert.deepEqual(await page.locator('#log .text').allTextContents(), texts);
    }
    await leave(ana, luis, eva);
  });

  test('a user goes to another room by name as the same person, and finds the draft after returning', async () => {
    const [room, other] = [newRoom(), newRoom()];
    const luis = await visitAs('Luis', other);
    const ana = await visitAs('Ana', room);
    const draft = ana.getByRole('textbox', { name: 'Your message' });
    await draft.fill('only for here');
    await ana.getByRole('button', { name: /^Room/ }).click();
    const address = ana.getByLabel('The address of this room');
    assert.equal(await address.inputValue(), server.url + room);
    const field = ana.getByLabel('Go to another room');
    await field.fill('ñ'.repeat(60));
    await ana.getByRole('button', { name: 'Go' }).click();
    assert.equal(await field.evaluate((input: { validationMessage: string }) => input.validationMessage !== ''), true);
    await field.fill(other.slice('/chat:'.length));
    await field.press('Enter');
    await ana.waitForURL(server.url + other);
    await status(ana, 'in');
    await luis.getByText('Ana joined').waitFor();
    assert.equal(await draft.inputValue(), '');
    await ana.goBack();
    await status(ana, 'in');
    assert.equal(await draft.inputValue(), 'only for here');
    await leave(ana, luis);
  });

  test('a button copies the address of a room', async () => {
    const room = newRoom();
    const page = await visit(room, { permissions: ['clipboard-read', 'clipboard-write'] });
    await page.getByRole('button', { name: /^Room/ }).click();
    await page.getByRole('button', { name: 'Copy' }).click();
    await page.getByRole('button', { name: 'Copied' }).waitFor();
    assert.equal(await page.evaluate('navigator.clipboard.readText()'), server.url + room);
    await leave(page);
  });

  test('a typing person is shown, until the message comes', async () => {
    const room = newRoom();
    const ana = await visitAs('Ana', room);
    const luis = await visitAs('Luis', room);
    await luis.getByRole('textbox', { name: 'Your message' }).fill('I am just');
    await ana
      .locator('#typing:not([data-quiet])')
      .getByText(/Luis.? is writing…/)
      .waitFor();
    assert.equal(await luis.locator('#typing:not([data-quiet])').count(), 0);
    await say(luis, 'done');
    await hears(ana, 'done');
    await ana.locator('#typing[data-quiet]').waitFor({ state: 'attached' });
    assert.deepEqual(await ana.locator('#log .text').allTextContents(), ['done']);
    await leave(ana, luis);
  });

  test('a plain WebSocket is in the same room: text in, text out', async () => {
    const room = newRoom();
    const ana = await visitAs('Ana', room);
    const socket = await connectWebSocket(`${server.url.replace('http', 'ws')}${room}?name=<b>Rosa</b>`);
    const lines = socket[Symbol.asyncIterator]();
    socket.send('hola <b>a todos</b>');
    await hears(ana, 'hola <b>a todos</b>');
    assert.equal(await ana.locator('#log .name').first().textContent(), '<b>Rosa</b>');
    await say(ana, 'welcome');
    assert.equal((await lines.next()).value, 'Ana: welcome');
    socket.close();
    await socket.closed;
    await leave(ana);
  });

  test('after the server was killed and restarted, the page waits and reconnects', async () => {
    const room = newRoom();
    const ana = await visitAs('Ana', room);
    const luis = await visitAs('Luis', room);
    await say(ana, 'before');
    await hears(luis, 'before');
    const { port } = server;
    assert.equal(await server.stop('SIGKILL'), 'SIGKILL');
    for (const page of [ana, luis]) {
      await status(page, 'lost');
      await page.getByText('What you write is kept').waitFor();
      await page.getByText(/Trying again in \d+ s/).waitFor();
    }
    await say(ana, 'written meanwhile');
    await ana.locator('#pending').getByText('written meanwhile').waitFor();
    await ana.getByText('Waiting for the connection').waitFor();
    const draft = ana.getByRole('textbox', { name: 'Your message' });
    await draft.fill('half a sen');

    server = await start(port);
    for (const page of [ana, luis]) await status(page, 'in');
    await hears(luis, 'written meanwhile');
    await hears(ana, 'written meanwhile');
    assert.equal(await ana.locator('#pending li').count(), 0);
    assert.equal(await ana.locator('#trouble').isVisible(), false);
    assert.equal(await draft.inputValue(), 'half a sen');
    await draft.press('End');
    await draft.pressSequentially('tence');
    await draft.press('Enter');
    await hears(luis, 'half a sentence');
    await say(luis, 'and on we go');
    await hears(ana, 'and on we go');
    const said = ['before', 'written meanwhile', 'half a sentence', 'and on we go'];
    for (const page of [ana, luis]) {
      assert.deepEqual(await page.locator('#log .text').allTextContents(), said);
      // Both were away, and came back one after the other: that is no news.
      assert.equal(await page.getByText(/(joined|left)$/).count(), page === ana ? 1 : 0);
    }
    await leave(ana, luis);
  });

  test('the button reconnects without waiting', async () => {
    const room = newRoom();
    const context = await browser.newContext({ locale: 'en-GB' });
    const page = await context.newPage();
    await page.clock.install();
    await page.goto(server.url + room);
    await enter(page, 'Ana');
    await page.clock.pauseAt(Date.now() + 60_000); // from here on no pause of the page ends by itself
    const { port } = server;
    await server.stop('SIGKILL');
    await status(page, 'lost');
    server = await start(port);
    const button = page.getByRole('button', { name: 'Reconnect now' });
    await status(page, 'lost');
    await button.click();
    await status(page, 'in');
    await page.getByText('Connected again').waitFor();
    assert.equal(await button.isVisible(), false);
    await leave(page);
  });

  test('the page reconnects after a graceful restart too', async () => {
    const room = newRoom();
    const ana = await visitAs('Ana', room);
    const { port } = server;
    assert.equal(await server.stop('SIGTERM'), 0);
    await status(ana, 'lost');
    server = await start(port);
    await status(ana, 'in');
    await leave(ana);
  });

  test('markup is shown as typed, in messages and in names', async () => {
    const room = newRoom();
    const markup = '<img src=x onerror="document.title=1"><b>bold</b> &amp; <script>alert(1)</script>';
    const ana = await visitAs('<i>Ana</i>', room);
    const luis = await visitAs('Luis', room);
    await say(ana, markup);
    await hears(luis, markup);
    await hears(ana, markup);
    for (const page of [ana, luis]) {
      assert.equal(await page.locator('#log img, #log b, #log script, #room i, #people i').count(), 0);
      assert.equal(await page.title(), `${room.slice(6)} · Zócalo`);
    }
    assert.ok((await luis.locator('#people-list .person').allTextContents()).includes('<i>Ana</i>'));
    await leave(ana, luis);
  });

  test('a name that is taken gets a number, and an empty one becomes Guest', async () => {
    const room = newRoom();
    const pages = [await visitAs('Eva', room), await visitAs('eva', room), await visitAs('   ', room)];
    assert.deepEqual(await pages[2]!.locator('#people-list .person').allTextContents(), ['Eva', 'eva 2', 'Guest']);
    await leave(...pages);
  });

  test('quitting leaves the room with a farewell, and the user can return under another name', async () => {
    const room = newRoom();
    const ana = await visitAs('Ana', room);
    const luis = await visitAs('Luis', room);
    await luis.getByRole('button', { name: 'Quit' }).click();
    await status(luis, 'out');
    await luis.getByText('You left. Come back whenever you like.').waitFor();
    await ana.getByText('Luis left').waitFor();
    assert.equal(await luis.getByLabel('Your name').inputValue(), 'Luis');
    await enter(luis, 'Lucho');
    await ana.getByText('Lucho joined').waitFor();
    await leave(ana, luis);
  });

  test('a page reload keeps the person, the scroll position, the draft and the own messages, and is not announced', async () => {
    const room = newRoom();
    const luis = await visitAs('Luis', room);
    const ana = await visitAs('Ana', room);
    await say(ana, 'said before the reload');
    await hears(ana, 'said before the reload');
    await ana.getByRole('textbox', { name: 'Your message' }).fill('a draft');
    await ana.reload();
    await status(ana, 'in');
    assert.equal(await ana.getByRole('textbox', { name: 'Your message' }).inputValue(), 'a draft');
    assert.equal(await ana.locator('.mine .text', { hasText: 'said before the reload' }).count(), 1);
    await say(ana, 'and after it');
    await hears(luis, 'and after it');
    assert.deepEqual(await luis.locator('#people-list .person').allTextContents(), ['Luis', 'Ana']);
    assert.equal(await luis.getByText('Ana joined').count(), 1);
    assert.equal(await luis.getByText('Ana left').count(), 0);
    await leave(ana, luis);
  });

  test('pending messages survive a page reload, and are sent once', async () => {
    const room = newRoom();
    const luis = await visitAs('Luis', room);
    const ana = await visitAs('Ana', room);
    // The way to the server is cut for the page's next connection, but not for the page itself.
    await ana.context().addInitScript(
      `if (!sessionStorage.seen) {
        sessionStorage.seen = 1;
        window.WebSocket = class extends EventTarget { send() {} close() {} };
      } else sessionStorage.removeItem('seen');`,
    );
    await ana.reload();
    await say(ana, 'I wait');
    await ana.locator('#pending').getByText('I wait').waitFor();
    await ana.reload();
    await status(ana, 'in');
    await hears(luis, 'I wait');
    await hears(ana, 'I wait');
    assert.equal(await ana.locator('.mine .text', { hasText: 'I wait' }).count(), 1);
    assert.equal(await ana.locator('#pending li').count(), 0);
    await leave(ana, luis);
  });

  test('the name is remembered for the next visit', async () => {
    const room = newRoom();
    const ana = await visitAs('Ana', room);
    const again = await ana.context().newPage();
    await again.goto(server.url + room);
    assert.equal(await again.getByLabel('Your name').inputValue(), 'Ana');
    await leave(ana);
  });

  test('a browser that stores nothing can still chat', async () => {
    const room = newRoom();
    const context = await browser.newContext({ locale: 'en-GB' });
    await context.addInitScript(
      'for (const name of ["localStorage", "sessionStorage"]) Object.defineProperty(window, name, { get() { throw new Error("no") } })',
    );
    const page = await context.newPage();
    await page.goto(server.url + room);
    await enter(page, 'Nobody');
    await say(page, 'I leave no trace');
    await hears(page, 'I leave no trace');
    await leave(page);
  });

  test('a Spanish browser gets the Spanish page', async () => {
    const page = await visit('/', { locale: 'es-MX' });
    assert.equal(await page.getAttribute('html', 'lang'), 'es');
    await page.getByText('Pasa a la plaza').waitFor();
    await page.getByLabel('Tu nombre').fill('José');
    await page.getByRole('button', { name: 'Entrar' }).click();
    await page.getByRole('status').getByText('En línea').waitFor();
    await page.getByText('Estás aquí como José').waitFor();
    const seen = await page.evaluate<string>('document.body.innerText');
    assert.doesNotMatch(seen, /\b(Your|Send|Quit|Who|Connected|Nothing)\b/);
    await leave(page);
  });

  test('on a phone nothing is wider than the screen, and controls are large enough for a thumb', async () => {
    const room = newRoom();
    const phone = { viewport: { width: 320, height: 568 }, isMobile: true, hasTouch: true };
    const page = await visitAs(`W${'w'.repeat(31)}`, room, phone);
    await say(page, 'x'.repeat(500));
    await hears(page, 'x'.repeat(500));
    await say(page, `https://example.test/${'path/'.repeat(60)}`);
    await page.getByRole('button', { name: 'Who is here' }).tap();
    await page.locator('#people').waitFor();
    const { overflowing, small } = await page.evaluate<{ overflowing: string[]; small: string[] }>(`({
      overflowing: [...document.querySelectorAll('body, body *')]
        .filter((element) => element.checkVisibility() && !element.closest('.unseen'))
        .filter((element) => {
          // What is cut on purpose, with an ellipsis or for screen readers alone, pushes nothing aside.
          if (/hidden|clip/.test(getComputedStyle(element).overflowX)) return false;
          const { clientWidth, scrollWidth } = element;
          const { right } = element.getBoundingClientRect();
          return right > innerWidth + 1 || (clientWidth > 0 && scrollWidth > clientWidth + 1);
        })
        .map((element) => element.outerHTML.slice(0, 80)),
      small: [...document.querySelectorAll('button, input, textarea')]
        .filter((element) => element.checkVisibility())
        .filter((element) => element.getBoundingClientRect().height < 44 || element.getBoundingClientRect().width < 44)
        .map((element) => element.outerHTML.slice(0, 80)),
    })`);
    assert.deepEqual(overflowing, []);
    assert.deepEqual(small, []);
    assert.ok(await page.evaluate<boolean>('document.documentElement.scrollWidth <= innerWidth'));
    await page.keyboard.press('Escape');
    await page.locator('#people').waitFor({ state: 'hidden' });
    await leave(page);
  });

  test('the page works with the keyboard alone', async () => {
    const room = newRoom();
    const page = await visit(room);
    await page.keyboard.type('Keys');
    await page.keyboard.press('Enter');
    await status(page, 'in');
    await page.keyboard.type('first line');
    await page.keyboard.press('Shift+Enter');
    await page.keyboard.type('second line');
    await page.keyboard.press('Enter');
    await page.locator('#log .text', { hasText: 'first line\nsecond line' }).waitFor();
    const reached: string[] = [];
    for (let count = 0; count < 6; count++) {
      await page.keyboard.press('Tab');
      reached.push(await page.evaluate<string>('document.activeElement.id || document.activeElement.type || "page"'));
    }
    for (const stop of ['quit', 'scroller', 'text', 'submit']) assert.ok(reached.includes(stop), `${stop}: ${reached}`);
    await page.locator('#quit').focus();
    await page.keyboard.press('Tab');
    const ring = await page.evaluate<string>('getComputedStyle(document.activeElement).outlineStyle');
    assert.equal(ring, 'solid');
    await page.locator('#quit').focus();
    await page.keyboard.press('Enter');
    await status(page, 'out');
    await leave(page);
  });

  test('text has enough contrast in the light and the dark theme', async () => {
    const room = newRoom();
    for (const colorScheme of ['light', 'dark'] as const) {
      const page = await visitAs('Ana', room, { colorScheme });
      const luis = await visitAs('Luis', room);
      await say(luis, `hello in the ${colorScheme}`);
      await say(page, `good ${colorScheme}`);
      await hears(page, `hello in the ${colorScheme}`);
      await hears(page, `good ${colorScheme}`);
      const [wall] = await page.evaluate<number[]>(`${RGB} rgb(getComputedStyle(document.body).backgroundColor)`);
      assert.ok(colorScheme === 'light' ? wall! > 200 : wall! < 60);
      const faint = await page.evaluate<string[]>(FAINT);
      assert.deepEqual(faint, []);
      await leave(page, luis);
    }
  });

  test('a user who reads older messages is not scrolled down, but told of new ones', async () => {
    const room = newRoom();
    const ana = await visitAs('Ana', room, { viewport: { width: 800, height: 400 } });
    const luis = await visitAs('Luis', room);
    for (let count = 1; count <= 20; count++) await say(luis, `line ${count} of many`);
    await hears(ana, 'line 20 of many');
    assert.ok((await ana.evaluate<number>(DISTANCE)) < 2);
    await ana.evaluate('document.querySelector("#scroller").scrollTop = 0');
    await ana.evaluate('new Promise(requestAnimationFrame)'); // scroll events come before it
    await say(luis, 'do you see this?');
    const button = ana.getByRole('button', { name: '1 new message' });
    await button.waitFor();
    assert.equal(await ana.evaluate('document.querySelector("#scroller").scrollTop'), 0);
    await button.click();
    assert.ok((await ana.evaluate<number>(DISTANCE)) < 2);
    await button.waitFor({ state: 'hidden' });
    await leave(ana, luis);
  });

  test('new messages are announced, and so is the state of the connection', async () => {
    const room = newRoom();
    const page = await visitAs('Ana', room);
    assert.equal(await page.locator('#log').getAttribute('aria-live'), 'polite');
    assert.equal(await page.locator('#state').getAttribute('role'), 'status');
    const unnamed = await page.evaluate<string[]>(`
      [...document.querySelectorAll('button, input, textarea, section')]
        .filter((element) => element.checkVisibility())
        .filter((element) => !(element.ariaLabel || element.labels?.length || element.textContent.trim()))
        .map((element) => element.outerHTML.slice(0, 80))`);
    assert.deepEqual(unnamed, []);
    await leave(page);
  });
});

/** How far the messages are from their end, in pixels. */
const DISTANCE = `(({ scrollHeight, scrollTop, clientHeight }) => scrollHeight - scrollTop - clientHeight)
  (document.querySelector('#scroller'))`;

/** Any CSS colour as [red, green, blue, alpha], by painting it. */
const RGB = `
  const canvas = new OffscreenCanvas(1, 1).getContext('2d', { willReadFrequently: true });
  const rgb = (color) => {
    canvas.clearRect(0, 0, 1, 1);
    canvas.fillStyle = color;
    canvas.fillRect(0, 0, 1, 1);
    return [...canvas.getImageData(0, 0, 1, 1).data];
  };`;

/** Texts whose contrast with what is behind them is under 4.5 to 1 (WCAG 2.2, 1.4.3). */
const FAINT = `${RGB}
  const light = (color) => {
    const [r, g, b] = rgb(color).map((value) => value / 255).map((c) => (c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4));
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const behind = (element) => {
    for (let at = element; at; at = at.parentElement) {
      const color = getComputedStyle(at).backgroundColor;
      if (rgb(color)[3] === 255) return color;
    }
  };
  [...document.querySelectorAll('body *')]
    .filter((element) => element.checkVisibility() && [...element.childNodes].some((node) => node.nodeType === 3 && node.data.trim()))
    .map((element) => {
      const [bright, dark] = [light(getComputedStyle(element).color), light(behind(element))].sort((a, b) => b - a);
      return [element.outerHTML.slice(0, 80), (bright + 0.05) / (dark + 0.05)];
    })
    .filter(([, contrast]) => contrast < 4.5)
    .map(([html, contrast]) => html + ' ' + contrast.toFixed(2));`;
