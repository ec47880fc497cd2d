/**
 * Checks of detection annotations, on plain records in COCO's terms, whatever file they came from: ids, classes, boxes. Nothing is read from disk, so a
 * million boxes take a moment.
 */

import type { DataProblem } from './problem.ts';

export interface ImageRecord {
  readonly id: number | string;
  readonly fileName: string;
  /** In pixels; without them boxes are not held against the picture. */
  readonly width?: number;
  readonly height?: number;
}

export interface AnnotationRecord {
  readonly id: number | string;
  readonly imageId: number | string;
  readonly categoryId: number | string;
  /** COCO's [left, top, width, height] in pixels; absent where only a class is annotated. */
  readonly bbox?: readonly number[];
}

export interface AnnotationRecords {
  readonly images: readonly ImageRecord[];
  readonly annotations: readonly AnnotationRecord[];
  /** Ids of the classes that there are. */
  readonly categoryIds: readonly (number | string)[];
}

/** Boxes may reach this far beyond their picture, in pixels: annotations are rounded. */
const slack = 1;

/** Everything wrong with the records, in their order. */
export function checkAnnotations({ images, annotations, categoryIds }: AnnotationRecords): DataProblem[] {
  const byId = new Map(images.map((image) => [image.id, image]));
  const categories = new Set(categoryIds);
  return [
    ...duplicates(images.map(({ id }) => `image id ${id}`)),
    ...duplicates(images.map(({ fileName }) => fileName)),
    ...duplicates(annotations.map(({ id }) => `annotation id ${id}`)),
    ...annotations.flatMap((annotation) => checkAnnotation(annotation, byId, categories)),
  ];
}

function checkAnnotation(
  { id, imageId, categoryId, bbox }: AnnotationRecord,
  images: ReadonlyMap<number | string, ImageRecord>,
  categories: ReadonlySet<number | string>,
): DataProblem[] {
  const image = images.get(imageId);
  const name = `annotation ${id}${image === undefined ? '' : ` of ${image.fileName}`}`;
  const problems: DataProblem[] = [];
  if (image === undefined) {
    problems.push({ kind: 'unknownImage', name, message: `there is no picture with id ${imageId}` });
  }
  if (!categories.has(categoryId)) {
    problems.push({ kind: 'unknownClass', name, message: `there is no class with id ${categoryId}` });
  }
  const box = bbox === undefined ? null : checkBox(bbox, image);
  return box === null ? problems : [...problems, { ...box, name }];
}

/** What is wrong with a box [left, top, width, height], in a picture of this size if it is known; null if nothing is. */
export function checkBox(
  bbox: readonly number[],
  { width, height }: { readonly width?: number; readonly height?: number } = {},
): Omit<DataProblem, 'name'> | null {
  const text = `[${bbox.join(', ')}]`;
  const [left = 0, top = 0, boxWidth = 0, boxHeight = 0] = bbox;
  if (bbox.length !== 4 || !bbox.every(Number.isFinite)) {
    return { kind: 'invalidBox', message: `${text} is no [left, top, width, height]` };
  }
  if (boxWidth < 0 || boxHeight < 0) {
    return {
      kind: 'invertedBox',
      message: `${text} has a negative width or height; is it [left, top, right, bottom]?`,
    };
  }
  if (boxWidth === 0 || boxHeight === 0) return { kind: 'emptyBox', message: `${text} has no area` };
  const outside =
    left < -slack ||
    top < -slack ||
    (width !== undefined && left + boxWidth > width + slack) ||
    (height !== undefined && top + boxHeight > height + slack);
  return outside
    ? {
        kind: 'outsideBox',
        message: `${text} reaches beyond its picture of ${width ?? '?'} x ${height ?? '?'}`,
      }
    : null;
}

/** Names that come more than once, each told once. */
export function duplicates(names: Iterable<string>): DataProblem[] {
  const counts = new Map<string, number>();
  for (const name of names) counts.set(name, (counts.get(name) ?? 0) + 1);
  return [...counts]
    .filter(([, count]) => count > 1)
    .map(([name, count]) => ({ kind: 'duplicate', name, message: `comes ${count} times` }));
}
