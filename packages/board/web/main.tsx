/** The page: runs at the side, what is asked of them in the middle. */

import type { CurveAxis } from '@omma/board';
import { render } from 'preact';
import { Compare } from './compare.tsx';
import { Curves } from './curves.tsx';
import { Log } from './log.tsx';
import { Pictures } from './pictures.tsx';
import { RunList } from './runList.tsx';
import { axis, connect, smoothing, type Tab, tab, tabs, theme } from './state.ts';
import { System } from './system.tsx';

const pages: Readonly<Record<Tab, () => preact.JSX.Element>> = {
  curves: Curves,
  compare: Compare,
  pictures: Pictures,
  log: Log,
  system: System,
};

const axes: readonly (readonly [CurveAxis, string])[] = [
  ['step', 'iteration'],
  ['time', 'time since start'],
  ['wall', 'clock'],
];

function App() {
  const Page = pages[tab.value];
  return (
    <div class="layout">
      <RunList />
      <div class="main">
        <nav class="bar">
          <div class="tabs" role="tablist">
            {tabs.map((name) => (
              <button
                key={name}
                type="button"
                role="tab"
                aria-selected={tab.value === name}
                onClick={() => {
                  tab.value = name;
                  history.replaceState(null, '', `#${name}`);
                }}
              >
                {name.slice(0, 1).toUpperCase() + name.slice(1)}
              </button>
            ))}
          </div>
          {tab.value === 'curves' && <CurveControls />}
          <button
            type="button"
            class="tool end"
            onClick={() => {
              const next = theme.value === 'dark' ? 'light' : 'dark';
              // Before the charts ask for their colours.
              document.documentElement.dataset.theme = next;
              localStorage.setItem('theme', next);
              theme.value = next;
            }}
          >
            {theme.value === 'dark' ? 'light' : 'dark'}
          </button>
        </nav>
        <main class="page">
          <Page />
        </main>
      </div>
    </div>
  );
}

function CurveControls() {
  return (
    <>
      <label>
        smoothing
        <input
          type="range"
          min={0}
          max={0.999}
          step={0.001}
          value={smoothing.value}
          onInput={(event) => {
            smoothing.value = Number(event.currentTarget.value);
            localStorage.setItem('smoothing', event.currentTarget.value);
          }}
        />
        {smoothing.value.toFixed(2)}
      </label>
      <label>
        over
        <select
          value={axis.value}
          onInput={(event) => {
            const found = axes.find(([name]) => name === event.currentTarget.value);
            if (found !== undefined) axis.value = found[0];
          }}
        >
          {axes.map(([name, title]) => (
            <option key={name} value={name}>
              {title}
            </option>
          ))}
        </select>
      </label>
    </>
  );
}

document.documentElement.dataset.theme = theme.value;
connect();
const root = document.getElementById('app');
if (root !== null) render(<App />, root);
