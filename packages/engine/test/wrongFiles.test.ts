/** A file of another kind in the place of a config or a checkpoint: the error names what was expected, what was found, and who takes it. */

import { mkdirSync, mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { inspectWeights, loadCheckpoint, readConfigFile } from '../src/index.ts';

const folder = mkdtempSync(join(tmpdir(), 'omma-wrong-'));
function file(name: string, content: string | Uint8Array): string {
  const path = join(folder, name);
  writeFileSync(path, content);
  return path;
}
const png = file('rose.png', Buffer.from('89504e470d0a1a0a0000000d49484452', 'hex'));
const text = file('tiny.json', '{"model": {}}');
const pth = file('w.pth', Buffer.from('504b0304000000000000', 'hex'));
const run = join(folder, 'run');
mkdirSync(run);
writeFileSync(join(run, 'config.json'), '{}');

describe('in the place of a config', () => {
  it.each([
    [pth, /w\.pth: expected a config \(.*\), found weights; `omma checkpoint inspect .*w\.pth`/],
    [png, /rose\.png: expected a config .*found a picture; `omma predict CHECKPOINT/],
    [
      run,
      /run: expected a config .*found a folder; it is a work directory, .* run\/config\.json$|config\.json/,
    ],
    [folder, /expected a config .*found a folder; name a file in it/],
    [join(folder, 'none'), /none: cannot read the config \(ENOENT\); check the path/],
    [file('a.txt', 'a'), /found \.txt; name the config file/],
  ])('%s is refused', async (path, message) => {
    await expect(readConfigFile(path)).rejects.toThrow(message);
  });
});

describe('in the place of a checkpoint', () => {
  it.each([
    [text, /tiny\.json: expected weights \(.*\), found text; a config is trained first/],
    [png, /rose\.png: expected weights .*found a picture/],
    [pth, /w\.pth: expected a checkpoint of a run \(\.safetensors\), found PyTorch weights/],
  ])('%s is refused', async (path, message) => {
    await expect(loadCheckpoint(path)).rejects.toThrow(message);
  });

  it('what may hold any weights takes those of PyTorch, and names the rest in the same words', async () => {
    const options = { numbers: false };
    await expect(inspectWeights(text, options)).rejects.toThrow(/found text/);
    await expect(inspectWeights(pth, options)).rejects.toThrow(/zip|damaged|cut off/);
  });

  it('safetensors whose header is damaged are told as such', async () => {
    const path = file('short.safetensors', Buffer.from('ff00000000000000', 'hex'));
    await expect(loadCheckpoint(path)).rejects.toThrow(/safetensors: /);
  });
});
