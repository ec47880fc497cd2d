/**
 * The rank table: a file that says which rank runs on which device of which server, for clusters that are set up by hand. HCCL reads it itself; here it is
 * checked beforehand, for an error in words.
 */

import { readFileSync } from 'node:fs';
import { OmmaError } from '@omma/core';
import { z } from 'zod';

/** Numbers in quotes, as HCCL wants them. */
const digits = z.string().regex(/^\d{1,6}$/, 'must be a number in quotes');
const schema = z.object({
  status: z.literal('completed'),
  version: z.enum(['1.0', '1.2']),
  server_count: digits,
  server_list: z
    .array(
      z.object({
        server_id: z.string().min(1).max(64),
        device: z
          .array(z.object({ device_id: digits, device_ip: z.string().optional(), rank_id: digits }))
          .min(1),
      }),
    )
    .min(1),
});

export interface TableRank {
  readonly rank: number;
  readonly server: string;
  /** Physical id: N of /dev/davinciN. */
  readonly device: number;
}

/** The ranks of the table at `path`, in order. OmmaError says what is wrong with it. */
export function readRankTable(path: string): TableRank[] {
  let json: unknown;
  try {
    json = JSON.parse(readFileSync(path, 'utf8'));
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new OmmaError(`${path}: cannot read the rank table (${reason}); correct RANK_TABLE_FILE`);
  }
  const parsed = schema.safeParse(json);
  if (!parsed.success) {
    const [issue] = parsed.error.issues;
    throw new OmmaError(
      `${path}: no rank table of HCCL: ${issue?.path.join('.') || 'the file'}: ${issue?.message}`,
    );
  }
  const { server_list: servers, server_count: count } = parsed.data;
  if (Number(count) !== servers.length) {
    throw new OmmaError(`${path}: server_count is ${count} but server_list has ${servers.length} entries`);
  }
  const ranks = servers
    .flatMap(({ server_id: server, device }) =>
      device.map((entry) => ({ rank: Number(entry.rank_id), server, device: Number(entry.device_id) })),
    )
    .sort((a, b) => a.rank - b.rank);
  const wrong = ranks.findIndex(({ rank }, i) => rank !== i);
  if (wrong !== -1) {
    throw new OmmaError(`${path}: rank_id must count from 0 to ${ranks.length - 1}, but ${wrong} is missing`);
  }
  const places = new Set(ranks.map(({ server, device }) => `${server} ${device}`));
  if (places.size < ranks.length)
    throw new OmmaError(
      `${path}: a device_id is there twice in one server; each rank has a device of its own`,
    );
  return ranks;
}
