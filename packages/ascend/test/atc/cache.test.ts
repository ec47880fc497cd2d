/** The cache of compiled models: whole entries only, bounded, one compilation at a time. */
import { existsSync, mkdtempSync, readdirSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, it } from 'vitest';
import { CompileCache, cacheKey, cacheSettings } from '../../src/atc/cache.ts';

const folder = mkdtempSync(join(tmpdir(), 'omma-cache-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

async function add(cache: CompileCache, key: string, text: string): Promise<string> {
  const scratch = await cache.scratch();
  writeFileSync(join(scratch, 'model.om'), text);
  const file = await cache.add(key, join(scratch, 'model.om'));
  rmSync(scratch, { recursive: true });
  return file;
}

it('finds what was added, and nothing else', async () => {
  const cache = new CompileCache({ folder: join(folder, 'a'), limit: 1000 });
  expect(await cache.find('x')).toBeNull();
  const file = await add(cache, 'x', 'model');
  expect(await cache.find('x')).toBe(file);
  expect(await cache.find('y')).toBeNull();
});

it('a damaged entry is not there any more', async () => {
  const cache = new CompileCache({ folder: join(folder, 'b'), limit: 1000 });
  const file = await add(cache, 'x', 'model');
  writeFileSync(file, 'mode');
  expect(await cache.find('x')).toBeNull();
  expect(existsSync(file)).toBe(false);
});

it('the longest unused entries go when it gets too large', async () => {
  const cache = new CompileCache({ folder: join(folder, 'c'), limit: 10 });
  const old = await add(cache, 'old', '12345');
  const used = await add(cache, 'used', '12345');
  utimesSync(old, 1, 1);
  utimesSync(used, 2, 2);
  await add(cache, 'new', '12345');
  expect(await cache.find('old')).toBeNull();
  expect(await cache.find('used')).not.toBeNull();
  expect(await cache.find('new')).not.toBeNull();
  expect(readdirSync(join(folder, 'c')).filter((name) => name.startsWith('tmp-'))).toEqual([]);
});

it('jobs for one key take turns, and a lock whose holder died is taken over', async () => {
  const cache = new CompileCache({ folder: join(folder, 'd'), limit: 10 });
  let inside = 0;
  const job = async () => {
    inside++;
    expect(inside).toBe(1);
    await new Promise((resolve) => setTimeout(resolve, 20));
    inside--;
  };
  await Promise.all([cache.exclusive('x', job), cache.exclusive('x', job), cache.exclusive('x', job)]);
  const lock = join(folder, 'd', 'y.om.lock');
  writeFileSync(lock, '');
  utimesSync(lock, 1, 1);
  await cache.exclusive('y', job);
  expect(existsSync(lock)).toBe(false);
});

it('keys tell their parts apart', () => {
  expect(cacheKey(['ab', 'c'])).not.toBe(cacheKey(['a', 'bc']));
});

it('a limit that is no number is refused', () => {
  expect(() => cacheSettings({ OMMA_ASCEND_CACHE_LIMIT: 'much' })).toThrow(
    'OMMA_ASCEND_CACHE_LIMIT should be',
  );
});
