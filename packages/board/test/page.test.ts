/** The page in a real browser. Skipped, loudly, where there is no Chromium or the page is not built. */

import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Browser, chromium, type Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Board, RunSet, serveBoard } from '../src/index.ts';
import { end, evaluation, grow, image, iterations, start, temporary, writeRun } from './support/logs.ts';

const browserPath = ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'].find(
  existsSync,
);
const isBuilt = existsSync(join(import.meta.dirname, '../dist/page/board.js'));
if (browserPath === undefined) console.warn('SKIPPED: the page of omma board: no Chromium on this machine');
else if (!isBuilt) console.warn('SKIPPED: the page of omma board: it is not built, run `npm run setup`');

describe.skipIf(browserPath === undefined || !isBuilt)('the page', { timeout: 120_000 }, () => {
  const root = temporary();
  const first = writeRun(
    root,
    'first',
    start({ config: { model: { depth: 18 }, seed: 1 } }),
    ...iterations(5000),
    evaluation(5000, 70),
  );
  writeRun(
    root,
    'second',
    start({ config: { model: { depth: 50 }, seed: 1 } }),
    ...iterations(800),
    evaluation(800, 75),
    end(800),
  );
  const errors: string[] = [];
  const asked: string[] = [];
  let browser: Browser;
  let board: Board;
  let page: Page;

  beforeAll(async () => {
    const pictures = join(first, 'vis_data/vis_image');
    mkdirSync(pictures, { recursive: true });
    const { default: sharp } = await import('sharp');
    await sharp({ create: { width: 8, height: 8, channels: 3, background: '#c02000' } }).toFile(
      join(pictures, 'rose.png'),
    );
    grow(first, image(5000, 'vis_data/vis_image/rose.png'));
    writeFileSync(join(first, 'log.rank1.jsonl'), '{"type":"warning","message":"of rank one"}\n');
    board = await serveBoard(new RunSet(root), { port: 0 });
    browser = await chromium.launch({
      executablePath: browserPath ?? '',
      args: ['--no-sandbox', '--disable-gpu'],
    });
    page = await browser.newPage({ viewport: { width: 1400, height: 1000 } });
    page.on('pageerror', (error) => errors.push(error.message));
    page.on('console', (message) => message.type() === 'error' && errors.push(message.text()));
    page.on('request', (request) => request.url().includes('/api/curve?') && asked.push(request.url()));
    await page.goto(board.url);
    await page.waitForSelector('[data-curve="train/loss"] .u-over', { timeout: 60_000 });
  }, 120_000);
  afterAll(async () => {
    await browser?.close();
    await board?.close();
  });

  const openTab = (name: string) => page.getByRole('tab', { name }).click();
  /** Pixels of the loss chart that are drawn in a colour. The script runs in the page, which has a DOM; tests have none. */
  const painted = () =>
    page.evaluate<number>(`(() => {
      const canvas = document.querySelector('[data-curve="train/loss"] canvas');
      const { data } = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height);
      let count = 0;
      for (let i = 0; i < data.length; i += 4) {
        const pixel = [data[i], data[i + 1], data[i + 2]];
        if (Math.max(...pixel) - Math.min(...pixel) > 60) count++;
      }
      return count;
    })()`);

  it('draws a chart for every curve of the runs, with no error and nothing from elsewhere', async () => {
    expect(await page.locator('[data-curve]').count()).toBe(3);
    await expect.poll(painted).toBeGreaterThan(500);
    expect(errors).toEqual([]);
    const origins = await page.evaluate(() =>
      performance.getEntriesByType('resource').map(({ name }) => new URL(name).origin),
    );
    expect(new Set(origins)).toEqual(new Set([board.url]));
  });

  it('asks for finer points where it is zoomed, and comes back', async () => {
    const chart = page.locator('[data-curve="train/loss"]');
    const box = await chart.locator('.u-over').boundingBox();
    if (box === null) throw new Error('no chart');
    await page.mouse.move(box.x + box.width / 2, box.y + box.height / 2);
    asked.length = 0;
    await page.mouse.wheel(0, -400);
    await expect.poll(() => asked.some((url) => /from=-?[\d.]+&to=/.test(url))).toBe(true);
    await chart.getByText('reset zoom').click();
    await expect.poll(() => chart.getByText('reset zoom').count()).toBe(0);
  });

  it('names the values under the pointer', async () => {
    const chart = page.locator('[data-curve="train/loss"]');
    const box = await chart.locator('.u-over').boundingBox();
    await page.mouse.move((box?.x ?? 0) + 30, (box?.y ?? 0) + 50);
    await expect.poll(() => chart.locator('.tip').textContent()).toMatch(/step \d+[\s\S]*first[\s\S]*second/);
  });

  it('asks for smoothed curves when the slider moves', async () => {
    asked.length = 0;
    await page.locator('input[type=range]').fill('0.9');
    await expect.poll(() => asked.some((url) => url.includes('smoothing=0.9'))).toBe(true);
  });

  it('leaves out the runs that are not chosen', async () => {
    asked.length = 0;
    await page.getByRole('button', { name: 'second' }).click();
    await expect.poll(() => asked.at(-1)?.includes('second')).toBe(false);
    await page.getByRole('button', { name: 'second' }).click();
  });

  it('shows what a run has logged since, without being asked', async () => {
    grow(first, ...iterations(500, 5001));
    const chart = page.locator('[data-curve="train/loss"] header');
    await expect.poll(() => chart.textContent(), { timeout: 20_000 }).toMatch(/6300 points/);
  });

  it('compares configs and metrics', async () => {
    await openTab('Compare');
    await expect
      .poll(() => page.locator('[data-table=config]').textContent())
      .toMatch(/model\.depth(1850|5018)/);
    expect(await page.locator('[data-table=config]').textContent()).not.toContain('seed');
    await page.getByText('show all').last().click();
    await expect.poll(() => page.locator('[data-table=config]').textContent()).toContain('seed');
  });

  it('shows pictures', async () => {
    await openTab('Pictures');
    await expect
      .poll(() => page.evaluate<number>(`document.querySelector('figure img')?.naturalWidth ?? 0`))
      .toBe(8);
    expect(await page.locator('figcaption').textContent()).toContain('rose 90 %');
  });

  it('follows the log, and the load of the machine', async () => {
    await openTab('Log');
    await page.locator('.log').waitFor();
    await page.locator('select').first().selectOption('second');
    await expect.poll(() => page.locator('.log').textContent()).toMatch(/end[\s\S]*finished/);
    await page.locator('select').first().selectOption('first');
    await page.locator('[data-choice=rank]').selectOption('1');
    await expect.poll(() => page.locator('.log').textContent()).toContain('of rank one');
    await page.locator('select').first().selectOption('second');
    await expect.poll(() => page.locator('[data-choice=rank]').count()).toBe(0);
    await openTab('System');
    await expect.poll(() => page.locator('.tile b').first().textContent()).toMatch(/^\d+ %$/);
  });

  it('goes from tab to tab by the keyboard', async () => {
    await page.getByRole('tab', { name: 'System' }).focus();
    await page.keyboard.press('ArrowRight');
    await expect.poll(() => page.locator('[aria-selected=true]').textContent()).toBe('Curves');
  });

  it('has a dark side', async () => {
    await page.getByRole('button', { name: 'dark', exact: true }).click();
    expect(await page.evaluate<string>('document.documentElement.dataset.theme')).toBe('dark');
    expect(errors).toEqual([]);
  });

  it('says that a folder has no runs, until there is one', async () => {
    const empty = temporary();
    const own = await serveBoard(new RunSet(empty), { port: 0 });
    const other = await browser.newPage();
    await other.goto(own.url);
    await expect.poll(() => other.locator('.empty').textContent()).toMatch(/no runs in this folder yet/);
    writeRun(empty, 'new', start(), ...iterations(10));
    await expect.poll(() => other.locator('[data-curve]').count(), { timeout: 20_000 }).toBe(2);
    await other.close();
    await own.close();
  });

  it('says when the board is gone, and goes on when it is back', async () => {
    const { port } = new URL(board.url);
    await openTab('Compare');
    await board.close();
    await expect.poll(() => page.getByRole('status').count(), { timeout: 20_000 }).toBe(1);
    await openTab('Log');
    board = await serveBoard(new RunSet(root), { port: Number(port) });
    await expect.poll(() => page.getByRole('status').count(), { timeout: 20_000 }).toBe(0);
    await expect.poll(() => page.locator('.log div').count()).toBeGreaterThan(0);
  });
});
