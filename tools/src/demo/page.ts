/** The demo's report as one HTML file: no script, no request, pictures and charts inside. */

import { escapeXml } from '@omma/cv';
import type { GalleryPicture } from './gallery.ts';

export interface PageContent {
  readonly title: string;
  readonly subtitle: string;
  /** The numbers at the top: what, and how much. */
  readonly figures: readonly { readonly value: string; readonly label: string }[];
  readonly lossChart: string;
  readonly accuracyChart: string;
  readonly confusionChart: string;
  /** Of each class, how many of its pictures were recognised. */
  readonly perClass: readonly { readonly name: string; readonly right: number; readonly total: number }[];
  readonly pictures: readonly GalleryPicture[];
  readonly galleryNote: string;
  readonly credit: string;
  /** Commands to go on with. */
  readonly commands: readonly string[];
}

const style = `
:root { --ink: #1d2925; --soft: #5c6b64; --line: #dfe7e2; --accent: #1f7a55; --wrong: #a63a2a; --paper: #f6f8f6; }
* { box-sizing: border-box; }
body { margin: 0; background: var(--paper); color: var(--ink); font: 16px/1.5 system-ui, -apple-system, "Segoe UI", sans-serif; }
main { max-width: 1120px; margin: 0 auto; padding: 48px 24px 64px; }
h1 { font-size: 34px; letter-spacing: -0.02em; margin: 0 0 4px; }
h2 { font-size: 17px; margin: 0 0 12px; }
.subtitle, .note, footer { color: var(--soft); }
.subtitle { margin: 0 0 28px; }
.note { margin: -6px 0 16px; font-size: 14px; }
.figures { display: grid; grid-template-columns: repeat(auto-fit, minmax(150px, 1fr)); gap: 12px; margin: 0 0 20px; }
.figures div, section { background: #fff; border: 1px solid var(--line); border-radius: 12px; }
.figures div { padding: 16px 18px; }
.figures b { display: block; font-size: 25px; letter-spacing: -0.01em; color: var(--accent); }
.figures span { font-size: 13px; color: var(--soft); }
.charts { display: grid; grid-template-columns: repeat(auto-fit, minmax(440px, 1fr)); gap: 20px; }
section { padding: 20px 22px; margin: 0 0 20px; }
.charts section { margin: 0; }
svg { max-width: 100%; height: auto; display: block; margin: 0 auto; }
.confusion { display: grid; grid-template-columns: minmax(280px, 3fr) minmax(240px, 2fr); gap: 24px; align-items: center; }
.guess.recall { grid-template-columns: 100px 1fr 76px; font-size: 14px; padding: 4px 0; }
.wide { margin-top: 20px; }
.gallery { display: grid; grid-template-columns: repeat(auto-fill, minmax(200px, 1fr)); gap: 18px; }
figure { margin: 0; }
figure img { width: 100%; aspect-ratio: 1; object-fit: cover; object-position: left bottom; border-radius: 10px; border: 2px solid var(--accent); display: block; }
figure.wrong img { border-color: var(--wrong); }
figcaption { font-size: 13px; margin-top: 6px; }
.guess { display: grid; grid-template-columns: 84px 1fr 44px; gap: 8px; align-items: center; color: var(--soft); }
.guess span:first-child { overflow: hidden; text-overflow: ellipsis; white-space: nowrap; }
.guess i { display: block; height: 6px; border-radius: 3px; background: var(--accent); min-width: 2px; }
.wrong .guess i { background: var(--wrong); }
.guess span:last-child { text-align: right; font-variant-numeric: tabular-nums; }
pre { margin: 0; padding: 14px 16px; background: #1d2925; color: #e3efe8; border-radius: 10px; overflow-x: auto; font-size: 13px; }
footer { font-size: 13px; margin-top: 24px; }
@media (max-width: 640px) { .charts, .confusion { grid-template-columns: 1fr; } }
`;

/** The page's text. */
export function renderPage(content: PageContent): string {
  const { title, subtitle, figures, pictures } = content;
  const numbers = figures.map(
    ({ value, label }) => `<div><b>${escapeXml(value)}</b><span>${escapeXml(label)}</span></div>`,
  );
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${escapeXml(title)}</title>
<style>${style}</style>
</head>
<body>
<main>
<h1>${escapeXml(title)}</h1>
<p class="subtitle">${escapeXml(subtitle)}</p>
<div class="figures">${numbers.join('')}</div>
<div class="charts">
<section><h2>Loss</h2>${content.lossChart}</section>
<section><h2>Accuracy on pictures it has not seen</h2>${content.accuracyChart}</section>
</div>
<section class="wide"><h2>What is taken for what</h2><div class="confusion"><div>${content.confusionChart}</div>
<div>${content.perClass.map(classRow).join('')}</div></div></section>
<section><h2>The exported model at work</h2><p class="note">${escapeXml(content.galleryNote)}</p>
<div class="gallery">${pictures.map(figure).join('')}</div></section>
<section><h2>Go on</h2><pre>${content.commands.map(escapeXml).join('\n')}</pre></section>
<footer>${escapeXml(content.credit)}</footer>
</main>
</body>
</html>
`;
}

function classRow({ name, right, total }: PageContent['perClass'][number]): string {
  const share = total === 0 ? 0 : (100 * right) / total;
  return (
    `<div class="guess recall"><span>${escapeXml(name)}</span><span><i style="width:${share.toFixed(1)}%"></i></span>` +
    `<span>${right} of ${total}</span></div>`
  );
}

function figure({ uri, truth, right, guesses }: GalleryPicture): string {
  const rows = guesses.map(
    (guess) =>
      `<div class="guess"><span>${escapeXml(guess.class)}</span><span><i style="width:${(100 * guess.probability).toFixed(1)}%"></i></span>` +
      `<span>${Math.round(100 * guess.probability)} %</span></div>`,
  );
  const caption = right ? '' : `<div>shows: ${escapeXml(truth)}</div>`;
  return `<figure${right ? '' : ' class="wrong"'}><img src="${uri}" alt="${escapeXml(truth)}"><figcaption>${rows.join('')}${caption}</figcaption></figure>`;
}
