/** Pictures with their predictions: all of an evaluation, or one sample through the whole run. */

import type { PictureInfo } from '@omma/board';
import { useSignal } from '@preact/signals';
import { useEffect } from 'preact/hooks';
import { formatCount } from './format.ts';
import { NoRun } from './noRun.tsx';
import { answered, chosenRuns, colourOf, connected } from './state.ts';

export function Pictures() {
  const pictures = useSignal<readonly PictureInfo[]>([]);
  const step = useSignal<number | null>(null);
  const sample = useSignal<string | null>(null);
  const wrongOnly = useSignal(false);
  const names = chosenRuns.value.map(({ name }) => name);
  const news = chosenRuns.value.map(({ images }) => images).join();
  useEffect(() => {
    void answered<PictureInfo[]>('pictures', { run: names }).then((found) => {
      if (found !== null) pictures.value = found;
    });
  }, [names.join('\n'), news, connected.value]);
  const steps = [...new Set(pictures.value.map((picture) => picture.step))].sort((a, b) => a - b);
  if (names.length === 0) return <NoRun />;
  if (steps.length === 0)
    return (
      <p class="empty">
        No pictures yet: models that can draw their predictions log some at every evaluation.
      </p>
    );
  const at = step.value ?? steps.at(-1) ?? 0;
  const shown = pictures.value.filter(
    (picture) =>
      (sample.value === null ? picture.step === at : picture.name === sample.value) &&
      !(wrongOnly.value && picture.correct !== false),
  );
  return (
    <>
      <div class="row">
        {sample.value === null ? (
          <label>
            evaluation at step {at.toLocaleString('en')}{' '}
            <input
              type="range"
              min={0}
              max={steps.length - 1}
              value={steps.indexOf(at)}
              onInput={(event) => {
                step.value = steps[Number(event.currentTarget.value)] ?? null;
              }}
            />
          </label>
        ) : (
          <span>
            {sample.value} through the run{' '}
            <button
              type="button"
              class="link"
              onClick={() => {
                sample.value = null;
              }}
            >
              all samples
            </button>
          </span>
        )}
        <label>
          <input
            type="checkbox"
            checked={wrongOnly.value}
            onInput={(event) => {
              wrongOnly.value = event.currentTarget.checked;
            }}
          />{' '}
          wrong only
        </label>
      </div>
      <div class="pictures">
        {shown.map((picture) => (
          <Picture
            key={`${picture.run} ${picture.index}`}
            picture={picture}
            onClick={() => {
              sample.value = sample.value === null ? picture.name : null;
            }}
          />
        ))}
      </div>
    </>
  );
}

function Picture({ picture, onClick }: { readonly picture: PictureInfo; onClick(): void }) {
  const { run, index, caption, correct, name, time, step } = picture;
  const address = `/api/picture?${new URLSearchParams({ run, index: String(index), v: String(time) })}`;
  return (
    <figure class={correct === null ? '' : correct ? 'right' : 'wrong'} title={`${name}, ${caption}`}>
      <button type="button" class="show" onClick={onClick}>
        <img src={address} alt={caption} loading="lazy" />
      </button>
      <figcaption>
        {caption}
        <span>
          <i style={{ color: colourOf(run) }}>■</i> {name.replace(/^val\//, '')}, step {formatCount(step)}
        </span>
      </figcaption>
    </figure>
  );
}
