/** Aligned text tables: numbers to the right, text to the left, two spaces between. */

export interface Column {
  readonly title: string;
  readonly align?: 'left' | 'right';
}

/** The table's lines. Column widths count characters, which is right for the Latin, Greek and Cyrillic letters of labels. */
export function formatTable(columns: readonly Column[], rows: readonly (readonly string[])[]): string {
  const widths = columns.map(({ title }, i) =>
    Math.max(title.length, ...rows.map((row) => (row[i] ?? '').length)),
  );
  const line = (cells: readonly string[]) =>
    columns
      .map(({ align = 'left' }, i) => {
        const cell = cells[i] ?? '';
        const width = widths[i] ?? 0;
        return align === 'right' ? cell.padStart(width) : cell.padEnd(width);
      })
      .join('  ')
      .trimEnd();
  const titled = columns.some(({ title }) => title !== '');
  return [...(titled ? [line(columns.map(({ title }) => title))] : []), ...rows.map(line)].join('\n');
}
