/** From a checkpoint's tensors into variables, or a complete list of what does not fit. */

import {
  formatShape,
  fromNumeric,
  type HostTensor,
  hostTensor,
  isFloat,
  OmmaError,
  sameShape,
  type TensorType,
  toNumeric,
  type Variable,
} from '@omma/core';

export interface Misfit {
  readonly missing: readonly string[];
  readonly unexpected: readonly string[];
  readonly misshaped: readonly Misshaped[];
}

/** A tensor that has another shape or dtype than the variable of its name. */
export interface Misshaped {
  readonly name: string;
  readonly wanted: TensorType;
  readonly found: TensorType;
}

/** What keeps `tensors` from filling `variables`. */
export function misfitOf(tensors: ReadonlyMap<string, HostTensor>, variables: readonly Variable[]): Misfit {
  const wanted = new Map(variables.map((variable) => [variable.name, variable]));
  return {
    missing: [...wanted.keys()].filter((name) => !tensors.has(name)),
    unexpected: [...tensors.keys()].filter((name) => !wanted.has(name)),
    misshaped: [...tensors].flatMap(([name, tensor]) => {
      const variable = wanted.get(name);
      if (
        variable === undefined ||
        (sameShape(variable.shape, tensor.shape) && variable.dtype === tensor.dtype)
      )
        return [];
      return [{ name, wanted: variable, found: tensor }];
    }),
  };
}

/**
 * The tensors in the float dtypes of the variables of their names, as PyTorch's `load_state_dict` takes them: weights that were saved in half precision fill
 * a model in float32. A resume does without: its run would not be the one that was saved.
 */
export function inDtypesOf(
  variables: readonly Variable[],
  tensors: ReadonlyMap<string, HostTensor>,
): ReadonlyMap<string, HostTensor> {
  const wanted = new Map(variables.map(({ name, dtype }) => [name, dtype]));
  return new Map(
    [...tensors].map(([name, tensor]) => {
      const dtype = wanted.get(name) ?? tensor.dtype;
      if (dtype === tensor.dtype || !isFloat(dtype) || !isFloat(tensor.dtype)) return [name, tensor];
      return [
        name,
        hostTensor(tensor.shape, dtype, fromNumeric(dtype, toNumeric(tensor.dtype, tensor.data))),
      ];
    }),
  );
}

/** `fc.weight: model float32[2, 4], file float32[3, 4]` */
export function formatMisshaped({ name, wanted, found }: Misshaped): string {
  return `${name}: model ${wanted.dtype}${formatShape(wanted.shape)}, file ${found.dtype}${formatShape(found.shape)}`;
}

/** Fills every variable from the tensor of its name; nothing is changed unless all fit. */
export async function restore(
  path: string,
  tensors: ReadonlyMap<string, HostTensor>,
  variables: readonly Variable[],
): Promise<void> {
  const { missing, unexpected, misshaped } = misfitOf(tensors, variables);
  if (missing.length + unexpected.length + misshaped.length > 0) {
    const parts = [
      ...(missing.length > 0 ? [`missing: ${fewOf(missing)}`] : []),
      ...(unexpected.length > 0 ? [`unexpected: ${fewOf(unexpected)}`] : []),
      ...(misshaped.length > 0 ? [`shapes differ: ${fewOf(misshaped.map(formatMisshaped), '; ')}`] : []),
    ];
    throw new OmmaError(
      `${path}: does not fit the model; ${parts.join('; ')}; give the config that it was trained with (\`omma checkpoint inspect\` lists its tensors)`,
    );
  }
  for (const variable of variables) {
    const tensor = tensors.get(variable.name);
    if (tensor !== undefined) await variable.upload(tensor.data);
  }
}

/** The first of many, and how many there are besides. */
function fewOf(texts: readonly string[], separator = ', '): string {
  const most = 3;
  const shown = texts.slice(0, most).join(separator);
  return texts.length <= most ? shown : `${shown} and ${texts.length - most} more`;
}
