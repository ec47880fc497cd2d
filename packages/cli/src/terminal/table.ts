/** Aligned text tables: numbers to the right, text to the left, two spaces between. */

import stringWidth from 'string-width';

export interface Column {
  readonly title: string;
  readonly align?: 'left' | 'right';
}

/** The table's lines. Widths are those on a terminal: a Chinese letter takes two columns, an accent of its own and a colour none. */
export function formatTable(columns: readonly Column[], rows: readonly (readonly string[])[]): string {
  const widths = columns.map(({ title }, i) =>
    rows.reduce((widest, row) => Math.max(widest, widthOf(row[i] ?? '')), widthOf(title)),
  );
  const line = (cells: readonly string[]) =>
    columns
      .map(({ align = 'left' }, i) => {
        const cell = cells[i] ?? '';
        const space = ' '.repeat(Math.max(0, (widths[i] ?? 0) - widthOf(cell)));
        return align === 'right' ? `${space}${cell}` : `${cell}${space}`;
      })
      .join('  ')
      .trimEnd();
  const titled = columns.some(({ title }) => title !== '');
  return [...(titled ? [line(columns.map(({ title }) => title))] : []), ...rows.map(line)].join('\n');
}

/** Plain text is nearly all there is, and its width is known without looking at letters one by one. */
function widthOf(text: string): number {
  return /^[ -~]*$/.test(text) ? text.length : stringWidth(text);
}
