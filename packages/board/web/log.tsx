/** The end of a run's log, that of any rank which writes one, followed as it grows. */

import type { LogTail, RunSummary } from '@omma/board';
import { type Signal, useSignal } from '@preact/signals';
import { useEffect, useRef } from 'preact/hooks';
import { formatValue } from './format.ts';
import { NoRun } from './noRun.tsx';
import { ask, chosenRuns, connected, loads } from './state.ts';

export function Log() {
  const name = useSignal<string | null>(null);
  const rank = useSignal(0);
  const tail = useSignal<LogTail | null>(null);
  const place = useRef<HTMLDivElement>(null);
  const run = chosenRuns.value.find((each) => each.name === name.value) ?? chosenRuns.value[0];
  // The server tells of rank 0's log when it grows; the others' are looked at as often as it tells anything.
  const news = rank.value === 0 ? run?.bytes : loads.value.at(-1)?.time;
  useEffect(() => {
    if (run === undefined) return;
    let stale = false;
    void ask<LogTail>('tail', { run: run.name, rank: String(rank.value) }).then(
      (found) => {
        if (stale) return;
        const box = place.current;
        const follows = box === null || box.scrollTop + box.clientHeight > box.scrollHeight - 40;
        tail.value = found;
        if (follows) requestAnimationFrame(() => place.current?.scrollTo(0, place.current.scrollHeight));
      },
      () => {
        // The run, or this rank's log, is gone; or the server is, and the page says so.
        if (stale || !connected.value) return;
        rank.value = 0;
        tail.value = null;
      },
    );
    return () => {
      stale = true;
    };
  }, [run?.name, rank.value, news, connected.value]);
  if (run === undefined) return <NoRun />;
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
              rank.value = 0;
            }}
          >
            {chosenRuns.value.map((each) => (
              <option key={each.name} value={each.name}>
                {each.name}
              </option>
            ))}
          </select>
        </label>
        <Ranks run={run} ranks={tail.value?.ranks ?? [0]} rank={rank} />
        {run.failure !== null && <span class="failure">{run.failure}</span>}
      </div>
      <div class="log" ref={place}>
        {(tail.value?.lines ?? []).map((line, i) => (
          <Line key={i} line={line} />
        ))}
      </div>
    </>
  );
}

/** Which rank's log is shown, where there are several; or why there is one alone. */
function Ranks({
  run,
  ranks,
  rank,
}: {
  readonly run: RunSummary;
  readonly ranks: readonly number[];
  readonly rank: Signal<number>;
}) {
  if (ranks.length > 1)
    return (
      <label>
        rank{' '}
        <select
          class="tool"
          data-choice="rank"
          value={rank.value}
          onInput={(event) => {
            rank.value = Number(event.currentTarget.value);
          }}
        >
          {ranks.map((each) => (
            <option key={each} value={each}>
              {each}
            </option>
          ))}
        </select>
      </label>
    );
  if (run.ranks === 1) return null;
  return (
    <span>
      rank 0 of {run.ranks}; the others log with <code>visualizer: {'{ logEveryRank: true }'}</code>
    </span>
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
