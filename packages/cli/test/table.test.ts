/** Tables as a terminal shows them. */

import { describe, expect, it } from 'vitest';
import { formatTable } from '../src/terminal/table.ts';

describe('a table', () => {
  it('has text to the left, numbers to the right, two spaces between, and nothing at the ends of lines', () => {
    const columns = [{ title: 'class' }, { title: 'count', align: 'right' as const }];
    expect(
      formatTable(columns, [
        ['rose', '5'],
        ['a long name', '1000'],
      ]),
    ).toBe('class        count\nrose             5\na long name   1000');
  });

  it('aligns what a terminal shows in two columns or none: Chinese, emoji, accents, colours', () => {
    const names = ['玫瑰', '🌹', 'rose\u0301', '\u001b[31mrose\u001b[39m'];
    const lines = formatTable(
      [{ title: '' }, { title: '' }],
      names.map((name) => [name, '|']),
    ).split('\n');
    expect(lines).toEqual(['玫瑰  |', '🌹    |', 'rose\u0301  |', '\u001b[31mrose\u001b[39m  |']);
  });

  it('takes more rows than a function takes arguments', () => {
    expect(formatTable([{ title: 'a' }], Array(200_000).fill(['1'])).length).toBe(2 * 200_001 - 1);
  });
});
