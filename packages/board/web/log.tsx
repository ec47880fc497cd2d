/** The end of a run's log, followed as it grows. */

import { useSignal } from '@preact/signals';
import { useEffect, useRef } from 'preact/hooks';
import { formatValue } from './format.ts';
import { ask, chosenRuns } from './state.ts';

export function Log() {
  const name = useSignal<string | null>(null);
  const lines = useSignal<readonly string[]>([]);
  const place = useRef<HTMLDivElement>(null);
  const run = chosenRuns.value.find((each) => each.name === name.value) ?? chosenRuns.value[0];
  useEffect(() => {
    if (run === undefined) return;
    void ask<string[]>('tail', { run: run.name }).then((found) => {
      const box = place.current;
      const follows = box === null || box.scrollTop + box.clientHeight > box.scrollHeight - 40;
      lines.value = found;
      if (follows) requestAnimationFrame(() => place.current?.scrollTo(0, place.current.scrollHeight));
    });
  }, [run?.name, run?.bytes]);
  if (run === undefined) return <p class="empty">Choose a run at the side.</p>;
  return (
    <>
      <div class="row">
        <label>
          run{' '}
          <select
            class="tool"
            value={run.name}
            onInput={(event) => {
              name.value = event.currentTarget.value;
            }}
          >
            {chosenRuns.value.map((each) => (
              <option key={each.name} value={each.name}>
                {each.name}
              </option>
            ))}
          </select>
        </label>
        {run.failure !== null && <span class="failure">{run.failure}</span>}
      </div>
      <div class="log" ref={place}>
        {lines.value.map((line, i) => (
          <Line key={i} line={line} />
        ))}
      </div>
    </>
  );
}

function Line({ line }: { readonly line: string }) {
  const { time, type, text } = readable(line);
  return (
    <div class={type} title={line}>
      <time>{time}</time>
      <em>{type}</em>
      <span>{text}</span>
    </div>
  );
}

/** A log line in words; lines that are no JSON stay as they are. */
function readable(line: string): { time: string; type: string; text: string } {
  let entry: Record<string, unknown>;
  try {
    entry = JSON.parse(line);
  } catch {
    return { time: '', type: '', text: line };
  }
  const {
    time,
    type,
    message,
    scalars,
    metrics,
    config: _config,
    details: _details,
    path: _path,
    ...rest
  } = entry;
  const shown =
    typeof message === 'string' ? message : words({ ...rest, ...object(scalars), ...object(metrics) });
  const clock = typeof time === 'string' ? new Date(time).toTimeString().slice(0, 8) : '';
  return { time: clock, type: String(type ?? ''), text: shown };
}

function object(value: unknown): object {
  return typeof value === 'object' && value !== null ? value : {};
}

function words(values: object): string {
  return Object.entries(values)
    .filter(([, value]) => value !== null && !(Array.isArray(value) && value.length === 0))
    .map(([key, value]) => {
      const name = key.replace(/^(train|val)\//, '');
      return `${name} ${typeof value === 'number' ? formatValue(value) : typeof value === 'string' ? value : JSON.stringify(value)}`;
    })
    .join('  ');
}
