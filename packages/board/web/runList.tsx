/** The runs at the side: which are shown, how far they are, and how good. */

import type { RunSummary } from '@omma/board';
import { useSignal } from '@preact/signals';
import { formatTime, formatValue } from './format.ts';
import { choose, chosen, colourOf, connected, runs, toggle } from './state.ts';

export function RunList() {
  const filter = useSignal('');
  const wanted = filter.value.toLowerCase();
  const all = [...runs.value.values()];
  const found = all.filter(({ name }) => name.toLowerCase().includes(wanted));
  return (
    <aside class="side">
      <div class="brand">
        Omma <small>board</small>
        <span
          class={connected.value ? 'dot live' : 'dot'}
          title={connected.value ? 'live' : 'not connected'}
        />
      </div>
      <input
        class="filter"
        type="search"
        placeholder={`Filter ${all.length} ${all.length === 1 ? 'run' : 'runs'}`}
        value={filter.value}
        onInput={(event) => {
          filter.value = event.currentTarget.value;
        }}
      />
      <div class="pick">
        <button
          type="button"
          class="link"
          onClick={() => {
            choose(found.map(({ name }) => name));
          }}
        >
          show all
        </button>
        <button
          type="button"
          class="link"
          onClick={() => {
            choose([]);
          }}
        >
          none
        </button>
        <span title="Alt and click shows one run alone">{chosen.value.size} shown</span>
      </div>
      <div class="runs">
        {found.map((run) => (
          <RunItem key={run.name} run={run} />
        ))}
      </div>
    </aside>
  );
}

/** Bytes at the end of a log that are no whole line: of one that is being written, or that a crash has cut off. */
const unfinished = 1_000_000;

function RunItem({ run }: { readonly run: RunSummary }) {
  const { name, status, started, iteration, maxIterations, read, bytes } = run;
  const isChosen = chosen.value.has(name);
  const colour = colourOf(name);
  const reading = bytes - read > unfinished;
  const share = reading ? read / bytes : iteration / Math.max(1, maxIterations ?? iteration);
  return (
    <button
      type="button"
      class="run"
      aria-pressed={isChosen}
      title={name}
      onClick={(event) => toggle(name, event.altKey)}
    >
      <span
        class="swatch"
        style={isChosen ? { background: colour, borderColor: colour } : { borderColor: colour }}
      />
      <span class="name">{name}</span>
      <span class={`status ${status}`}>{status}</span>
      <span class="sub">
        <span>{started === null ? '' : formatTime(started)}</span>
        <span>{reading ? `reading ${Math.round(100 * share)} %` : mainMetric(run)}</span>
      </span>
      {(status === 'running' || reading) && (
        <span class="meter">
          <i style={{ width: `${Math.min(100, 100 * share)}%` }} />
        </span>
      )}
    </button>
  );
}

function mainMetric({ metrics }: RunSummary): string {
  const [first] = Object.entries(metrics);
  return first === undefined ? '' : `${first[0].split('/').at(-1)} ${formatValue(first[1].best)}`;
}
