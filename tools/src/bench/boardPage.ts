/** The board's page in headless Chromium: when all curves are drawn, and how smoothly they move. Its scripts are text, because they run in the page. */

import { existsSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Browser, chromium, type Page } from 'playwright-core';
import { curveNames } from './longLog.ts';
import { SessionError } from './session.ts';
import { median } from './statistics.ts';

const programs = ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'];
/** All charts are on the screen. */
const viewport = { width: 1280, height: 1600 };
const moves = 150;

export async function openBrowser(): Promise<Browser> {
  const executablePath = programs.find(existsSync);
  if (executablePath === undefined)
    throw new SessionError({ kind: 'missing', text: `no Chromium (looked for ${programs.join(', ')})` });
  return chromium.launch({
    executablePath,
    args: ['--no-sandbox', '--disable-gpu', '--disable-background-networking'],
  });
}

/** An empty page, so that opening a window is not measured. */
export async function blankPage(browser: Browser): Promise<Page> {
  const page = await browser.newPage({ viewport });
  await page.goto('about:blank');
  return page;
}

/** Opens the board and waits until every curve stands there with all its points. */
export async function untilDrawn(page: Page, url: string, steps: number): Promise<void> {
  await page.goto(url, { waitUntil: 'commit' });
  // Two frames more, until what was drawn is on the screen.
  await page.evaluate(`new Promise((done) => {
    const look = () => {
      const drawn = document.querySelectorAll('[data-points="${steps}"] canvas').length === ${curveNames.length};
      requestAnimationFrame(drawn ? () => requestAnimationFrame(done) : look);
    };
    look();
  })`);
}

export interface Frames {
  /** Milliseconds from one frame to the next. */
  readonly median: number;
  readonly slow: number;
}

/** Zooms into the loss with the wheel and pans it with the mouse; how long its frames take, and the 95th of a hundred. */
export async function panning(page: Page): Promise<Frames> {
  const box = await page.locator('[data-curve="train/loss"] .u-over').boundingBox();
  if (box === null)
    throw new SessionError({ kind: 'failed', text: 'the chart of the loss is not on the screen' });
  const [x, y] = [box.x + box.width / 2, box.y + box.height / 2];
  await page.mouse.move(x, y);
  await page.evaluate(`{
    const times = [];
    globalThis.frameTimes = times;
    const note = (time) => { times.push(time); requestAnimationFrame(note); };
    requestAnimationFrame(note);
  }`);
  for (let i = 0; i < 20; i++) {
    await page.mouse.wheel(0, -100);
    await sleep(16);
  }
  await page.keyboard.down('Shift');
  await page.mouse.down();
  for (let i = 0; i < moves; i++) {
    await page.mouse.move(x + 150 * Math.sin(i / 12), y);
    await sleep(8);
  }
  await page.mouse.up();
  await page.keyboard.up('Shift');
  const times: unknown = await page.evaluate('globalThis.frameTimes');
  const frames = (Array.isArray(times) ? times.map(Number) : [])
    .map((time, i, all) => time - (all[i - 1] ?? time))
    .slice(1)
    .sort((a, b) => a - b);
  return { median: median(frames) ?? 0, slow: frames[Math.floor(0.95 * frames.length)] ?? 0 };
}
