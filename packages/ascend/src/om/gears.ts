/**
 * Gears: the fixed sets of input shapes that a dynamic offline model is compiled for, as flags of `atc`.
 *
 * All three kinds open dimensions of one input, the picture, with -1 in `--input_shape` and list what they may be. With batch gears the first is open; with image
 * gears height and width of [N, C, H, W]; with dims gears any, in the order in which they stand.
 */

export type Gears =
  | { readonly kind: 'none' }
  | { readonly kind: 'batch'; readonly sizes: readonly number[] }
  | { readonly kind: 'image'; readonly sizes: readonly (readonly [height: number, width: number])[] }
  | { readonly kind: 'dims'; readonly dims: readonly (readonly number[])[] };

/** The flags for a model whose input `name` has dimensions `dims`, -1 where they are open. */
export function gearFlags(gears: Gears, name: string, dims: readonly number[]): string[] {
  if (gears.kind === 'none') return [];
  return [`--input_shape=${name}:${dims.join(',')}`, valuesFlag(gears)];
}

function valuesFlag(gears: Exclude<Gears, { kind: 'none' }>): string {
  const list = (values: readonly (readonly number[])[]) => values.map((value) => value.join(',')).join(';');
  if (gears.kind === 'batch') return `--dynamic_batch_size=${gears.sizes.join(',')}`;
  if (gears.kind === 'image') return `--dynamic_image_size=${list(gears.sizes)}`;
  return `--dynamic_dims=${list(gears.dims)}`;
}
