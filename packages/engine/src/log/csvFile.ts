/** A table as a growing CSV file: rows are appended; when a run goes on, the rows that it repeats are cut off the end without reading the rest. */

import { createReadStream } from 'node:fs';
import { open, stat } from 'node:fs/promises';
import { codeOf, replaceAtomically } from '@omma/storage';
import { appendLog, writingLog } from './files.ts';

/** Bytes of the file's end that are looked at first. */
const tailBytes = 65_536;
/** Bytes that are worked through at once where rows are written anew. */
const pieceBytes = 2 ** 20;
const newline = '\n'.charCodeAt(0);

export class CsvFile {
  readonly #path: string;
  /** As the file's header has them; null as long as there is none. */
  #columns: readonly string[] | null = null;

  constructor(path: string) {
    this.#path = path;
  }

  /** Takes up a file that is there: rows whose first number is above `step` go, and a row that was not written to its end. */
  async begin(step: number): Promise<void> {
    await writingLog(this.#path, async () => {
      const header = await cutRowsAfter(this.#path, step);
      this.#columns = header === null ? null : parseHeader(header);
    });
  }

  /** A cell for each of `names`, empty where a row has none. A name that is new becomes the last column: the file is written anew then. */
  async append(names: readonly string[], rows: readonly (readonly string[])[]): Promise<void> {
    const known = this.#columns ?? [];
    const added = names.filter((name) => !known.includes(name));
    const columns = [...known, ...added];
    if (added.length > 0) await this.#widen(columns, added.length);
    const places = columns.map((name) => names.indexOf(name));
    const lines = rows.map((row) => `${places.map((place) => row[place] ?? '').join(',')}\n`);
    await appendLog(this.#path, lines.join(''));
  }

  async #widen(columns: readonly string[], added: number): Promise<void> {
    await writingLog(this.#path, async () => {
      const header = `${columns.map(quoted).join(',')}\n`;
      const size = this.#columns === null ? 0 : (await stat(this.#path)).size;
      await replaceAtomically(this.#path, size + header.length, async (file) => {
        await file.writeFile(header);
        if (this.#columns === null) return;
        for await (const rows of widenedRows(this.#path, added)) await file.writeFile(rows, 'latin1');
      });
      this.#columns = columns;
    });
  }
}

/**
 * The rows of a table with so many empty cells more at the end of each, piece by piece, their bytes as characters: without its header, and without a row that
 * was not written to its end.
 */
async function* widenedRows(path: string, added: number): AsyncGenerator<string> {
  const end = `${','.repeat(added)}\n`;
  let rest = '';
  let isHeader = true;
  for await (const piece of createReadStream(path, { encoding: 'latin1', highWaterMark: pieceBytes })) {
    const text = `${rest}${piece}`;
    const from: number = isHeader ? text.indexOf('\n') + 1 : 0;
    isHeader &&= from === 0;
    const to = isHeader ? 0 : text.lastIndexOf('\n') + 1;
    yield text.slice(from, to).replaceAll('\n', end);
    rest = text.slice(to);
  }
}

/** The header; null where there is no file, or nothing whole in it. */
async function cutRowsAfter(path: string, step: number): Promise<string | null> {
  const file = await open(path, 'r+').catch((error: unknown) => {
    if (codeOf(error) === 'ENOENT') return null;
    throw error;
  });
  if (file === null) return null;
  const read = async (from: number, to: number): Promise<Buffer> => {
    const bytes = Buffer.alloc(to - from);
    const { bytesRead } = await file.read(bytes, 0, bytes.length, from);
    return bytes.subarray(0, bytesRead);
  };
  try {
    const { size } = await file.stat();
    // The tail grows until a row in it is kept, so that it costs what is cut and not what stays.
    for (let bytes = tailBytes; ; bytes *= 2) {
      const from = Math.max(0, size - bytes);
      const tail = await read(from, size);
      let kept = -1;
      // Where the tail does not reach the beginning, its first row is not whole; where it does, that is the header.
      let at = tail.indexOf(newline) + 1;
      if (from === 0) kept = at;
      for (let end = tail.indexOf(newline, at); end >= 0; end = tail.indexOf(newline, at)) {
        if (Number.parseInt(tail.toString('latin1', at, Math.min(end, at + 20)), 10) <= step) kept = end + 1;
        at = end + 1;
      }
      if (kept < 0) continue;
      await file.truncate(from + kept);
      break;
    }
    for (let bytes = tailBytes; ; bytes *= 2) {
      const head = await read(0, Math.min(bytes, size));
      const end = head.indexOf(newline);
      if (end >= 0) return head.toString('utf8', 0, end);
      if (bytes >= size) return null;
    }
  } finally {
    await file.close();
  }
}

/** A name as RFC 4180 wants it. */
function quoted(name: string): string {
  return /[",\n]/.test(name) ? `"${name.replaceAll('"', '""')}"` : name;
}

function parseHeader(line: string): string[] {
  return [...line.matchAll(/(?:^|,)(?:"((?:[^"]|"")*)"|([^,]*))/g)].map(
    ([, inQuotes, plain]) => inQuotes?.replaceAll('""', '"') ?? plain ?? '',
  );
}
