/** The page: runs at the side, what is asked of them in the middle. */

import type { CurveAxis } from '@omma/board';
import { render } from 'preact';
import { Compare } from './compare.tsx';
import { Curves } from './curves.tsx';
import { Log } from './log.tsx';
import { Pictures } from './pictures.tsx';
import { RunList } from './runList.tsx';
import { axis, axisTitles, connect, connected, smoothing, type Tab, tab, tabs, theme } from './state.ts';
import { System } from './system.tsx';

const pages: Readonly<Record<Tab, () => preact.JSX.Element>> = {
  curves: Curves,
  compare: Compare,
  pictures: Pictures,
  log: Log,
  system: System,
};

const axes: readonly CurveAxis[] = ['step', 'time', 'wall'];

/** Left and right go from tab to tab, as readers of the page expect of a list of tabs. */
function moveTab(event: KeyboardEvent): void {
  const by = event.key === 'ArrowRight' ? 1 : event.key === 'ArrowLeft' ? -1 : 0;
  if (by === 0) return;
  event.preventDefault();
  openTab(tabs[(tabs.indexOf(tab.value) + by + tabs.length) % tabs.length] ?? 'curves');
  document.querySelector<HTMLElement>('[role=tab][aria-selected=true]')?.focus();
}

function openTab(name: Tab): void {
  tab.value = name;
  history.replaceState(null, '', `#${name}`);
}

function App() {
  const Page = pages[tab.value];
  return (
    <div class="layout">
      <RunList />
      <div class="main">
        <nav class="bar">
          <div class="tabs" role="tablist" onKeyDown={moveTab}>
            {tabs.map((name) => (
              <button
                key={name}
                type="button"
                role="tab"
                aria-selected={tab.value === name}
                tabIndex={tab.value === name ? 0 : -1}
                onClick={() => openTab(name)}
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
        {connected.value === false && (
          <p class="banner" role="status">
            The board does not answer: what you see is what it told last. It is asked again every second;{' '}
            <code>omma board</code> starts it.
          </p>
        )}
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
            const found = axes.find((name) => name === event.currentTarget.value);
            if (found !== undefined) axis.value = found;
          }}
        >
          {axes.map((name) => (
            <option key={name} value={name}>
              {axisTitles[name]}
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
