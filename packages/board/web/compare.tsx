/** The chosen runs side by side: metrics, circumstances, and what differs in their configs. */

import type { ConfigRow, RunSummary } from '@omma/board';
import { useSignal } from '@preact/signals';
import { useEffect } from 'preact/hooks';
import { formatCount, formatDuration, formatTime, formatValue } from './format.ts';
import { NoRun } from './noRun.tsx';
import { answered, chosenRuns, colourOf, connected } from './state.ts';

export function Compare() {
  const rows = useSignal<readonly ConfigRow[]>([]);
  const all = useSignal(false);
  const shown = chosenRuns.value;
  const names = shown.map(({ name }) => name);
  useEffect(() => {
    void answered<ConfigRow[]>('configs', { run: names }).then((found) => {
      if (found !== null) rows.value = found;
    });
  }, [names.join('\n'), connected.value]);
  if (shown.length === 0) return <NoRun />;
  const metrics = [...new Set(shown.flatMap((run) => Object.keys(run.metrics)))];
  const visible = rows.value.filter(({ differs }) => all.value || differs);
  return (
    <div class="card scroll">
      <table class="plain">
        <thead>
          <tr>
            <th />
            {shown.map(({ name }) => (
              <th key={name} style={{ color: colourOf(name) }}>
                {name}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {metrics.map((metric) => (
            <tr key={metric}>
              <th>{metric}</th>
              {shown.map(({ name, metrics: own }) => (
                <td key={name}>{metricCell(own[metric])}</td>
              ))}
            </tr>
          ))}
          {facts.map(([title, of]) => (
            <tr key={title}>
              <th>{title}</th>
              {shown.map((run) => (
                <td key={run.name}>{of(run)}</td>
              ))}
            </tr>
          ))}
        </tbody>
        <tbody data-table="config">
          <tr>
            <th class="section">
              Config{' '}
              <button
                type="button"
                class="link"
                onClick={() => {
                  all.value = !all.value;
                }}
              >
                {all.value ? 'show differences only' : 'show all'}
              </button>
            </th>
            {visible.length === 0 && (
              <td class="section" colSpan={shown.length}>
                {shown.length === 1 ? 'one run has nothing to differ from' : 'the same in all'}
              </td>
            )}
          </tr>
          {visible.map(({ key, values, differs }) => (
            <tr key={key} class={differs ? 'differs' : ''}>
              <th>{key}</th>
              {values.map((value, i) => (
                <td key={names[i]} style={differs ? { color: colourOf(names[i] ?? '') } : {}}>
                  {value ?? '–'}
                </td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

function metricCell(metric: RunSummary['metrics'][string] | undefined): string {
  if (metric === undefined) return '–';
  return `${formatValue(metric.best)} at ${formatCount(metric.bestStep)}, last ${formatValue(metric.last)}`;
}

const facts: readonly (readonly [string, (run: RunSummary) => string])[] = [
  ['status', ({ status, failure }) => (failure === null ? status : `${status}: ${failure}`)],
  ['started', ({ started }) => (started === null ? '–' : formatTime(started))],
  [
    'duration',
    ({ started, lastTime, sessions }) =>
      started === null || lastTime === null
        ? '–'
        : `${formatDuration((lastTime - started) / 1000)}${sessions > 1 ? `, started ${sessions} times` : ''}`,
  ],
  [
    'iterations',
    ({ iteration, maxIterations }) => `${formatValue(iteration)} of ${formatValue(maxIterations)}`,
  ],
  ['device', ({ device, precision }) => [device, precision].filter((part) => part !== null).join(', ')],
  ['parameters', ({ parameters }) => (parameters === null ? '–' : formatCount(parameters))],
  ['best checkpoint', ({ bestCheckpoint }) => bestCheckpoint ?? '–'],
];
