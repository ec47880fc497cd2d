/** What is said where no run is chosen. */

import { connected, runs } from './state.ts';

export function NoRun() {
  if (runs.value.size > 0) return <p class="empty">Choose a run at the side.</p>;
  if (connected.value !== true) return <p class="empty">Asking for the runs ...</p>;
  return (
    <p class="empty">
      There are no runs in this folder yet. They show here as soon as <code>omma train</code> logs.
    </p>
  );
}
