import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { readRankTable } from '../../src/hccl/rankTable.ts';

const folder = mkdtempSync(join(tmpdir(), 'omma-table-'));

function written(content: string): string {
  const path = join(folder, 'table.json');
  writeFileSync(path, content);
  return path;
}

const device = (device_id: string, rank_id: string) => ({ device_id, device_ip: '10.0.0.1', rank_id });
const table = (devices: object[], changes: object = {}) =>
  JSON.stringify({
    status: 'completed',
    version: '1.0',
    server_count: '1',
    server_list: [{ server_id: 'node_0', device: devices }],
    ...changes,
  });

describe('a rank table', () => {
  it('gives the ranks in order', () => {
    expect(readRankTable(written(table([device('3', '1'), device('2', '0')])))).toEqual([
      { rank: 0, server: 'node_0', device: 2 },
      { rank: 1, server: 'node_0', device: 3 },
    ]);
  });

  it.each([
    ['{', /cannot read the rank table/],
    [table([], {}), /server_list\.0\.device/],
    [table([device('0', '0')], { status: 'initializing' }), /status/],
    [table([device('0', '0')], { server_count: 1 }), /server_count/],
    [table([device('0', '0')], { server_count: '2' }), /server_count is 2 but server_list has 1/],
    [table([device('0', '0'), device('1', '2')]), /rank_id must count from 0 to 1, but 1 is missing/],
    [table([device('0', '0'), device('0', '1')]), /device_id is there twice/],
    [table([device('zero', '0')]), /must be a number in quotes/],
  ])('%s is refused with the reason', (content, message) => {
    expect(() => readRankTable(written(content))).toThrow(message);
  });

  it('that is not there is named', () => {
    expect(() => readRankTable(join(folder, 'none.json'))).toThrow(/none\.json: cannot read the rank table/);
  });
});
