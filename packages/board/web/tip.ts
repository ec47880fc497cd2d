/** The values of the curves at the pointer: those nearest to it where there are many. */

import { formatValue } from './format.ts';
import { colourOf } from './state.ts';

export interface TipValue {
  readonly run: string;
  readonly value: number;
}

/** Rows of the table. */
const most = 12;

/** Writes the table; `height`: the value at the pointer. */
export function fillTip(tip: HTMLElement, title: string, values: readonly TipValue[], height: number): void {
  const away = ({ value }: TipValue) => Math.abs(value - height);
  const furthest = values.map(away).sort((a, b) => a - b)[most - 1] ?? Number.POSITIVE_INFINITY;
  const shown = values.filter((value) => away(value) <= furthest).slice(0, most);
  const table = document.createElement('table');
  for (const { run, value } of shown) {
    const row = table.insertRow();
    const mark = document.createElement('i');
    mark.style.background = colourOf(run);
    row.insertCell().append(mark);
    const name = document.createElement('bdi');
    name.textContent = run;
    row.insertCell().append(name);
    row.insertCell().textContent = formatValue(value);
  }
  const head = document.createElement('span');
  head.textContent =
    shown.length < values.length ? `${title}, the nearest ${shown.length} of ${values.length} runs` : title;
  tip.replaceChildren(head, table);
}

/** Beside the pointer at `x`, within the card of this width. */
export function placeTip(tip: HTMLElement, x: number, width: number): void {
  tip.style.display = 'block';
  const right = x + 28;
  const left = right + tip.offsetWidth <= width + 24 ? right : x - tip.offsetWidth - 4;
  tip.style.left = `${Math.max(0, Math.min(left, width + 24 - tip.offsetWidth))}px`;
  tip.style.top = '44px';
}
