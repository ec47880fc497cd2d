/** Files that are written whole or not at all. */

import { link, mkdtemp, readdir, readFile, stat, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { linkAtomically, temporarySuffix, writeAtomically } from '../src/index.ts';

const temporary = () => mkdtemp(join(tmpdir(), 'omma-files-'));

describe('writing', () => {
  it('replaces a file as a whole and leaves nothing else behind', async () => {
    const folder = await temporary();
    const path = join(folder, 'file');
    await writeAtomically(path, [Uint8Array.of(1, 2), Uint8Array.of(3)]);
    await writeAtomically(path, [Uint8Array.of(4)]);
    expect([...(await readFile(path))]).toEqual([4]);
    expect(await readdir(folder)).toEqual(['file']);
  });

  it.skipIf(process.platform !== 'linux')(
    'says what a full disk needs, and leaves nothing half-written',
    async () => {
      const folder = await temporary();
      const path = join(folder, 'file');
      await writeFile(path, 'old');
      // The temporary file leads to a device that is always full.
      await symlink('/dev/full', `${path}${temporarySuffix}`);
      await expect(writeAtomically(path, [new Uint8Array(2e6)])).rejects.toThrow(
        /file: needs 2\.0 MB but .* are free; free some space/,
      );
      expect(await readdir(folder)).toEqual(['file']);
      expect(await readFile(path, 'utf8')).toBe('old');
    },
  );

  it('makes the folders that are missing', async () => {
    const path = join(await temporary(), 'a', 'b', 'file');
    await writeAtomically(path, [Uint8Array.of(1)]);
    expect([...(await readFile(path))]).toEqual([1]);
  });

  it('names a folder that cannot be made', async () => {
    const file = join(await temporary(), 'file');
    await writeFile(file, '');
    const write = (path: string) => writeAtomically(path, [Uint8Array.of(1)]);
    await expect(write(join(file, 'a', 'b'))).rejects.toThrow(
      /a\/b: cannot write \(ENOTDIR\); check that the folder can be made and may be written to/,
    );
    await expect(write('/proc/nowhere/b')).rejects.toThrow(/nowhere\/b: cannot write \(ENOENT\)/);
  });
});

describe('a second name', () => {
  it('takes the place of a file, of another name of the same one too, and leaves nothing else behind', async () => {
    const folder = await temporary();
    const from = join(folder, 'from');
    const path = join(folder, 'path');
    const already = join(folder, 'already');
    await writeFile(from, 'new');
    await writeFile(path, 'old');
    await link(from, already);
    expect(await linkAtomically(from, path)).toBe(true);
    expect(await linkAtomically(from, already)).toBe(true);
    expect(await readFile(path, 'utf8')).toBe('new');
    expect((await stat(already)).nlink).toBe(3);
    expect(await readdir(folder)).toEqual(['already', 'from', 'path']);
    await expect(linkAtomically(join(folder, 'nothing'), path)).rejects.toThrow(
      /path: cannot write \(ENOENT\)/,
    );
  });
});
