/** Values beside the weights as JSON: what OpenMMLab calls `meta`. Tensors and objects are described, not written out. */

import { InertObject, type PickleValue, TorchTensor, Tuple } from './value.ts';

/** More than anybody reads; a file whose lists hold each other many times would never end. */
const maxValues = 10_000;

export function describeValue(value: PickleValue, depth = 6): unknown {
  let left = maxValues;
  const describe = (item: PickleValue, level: number): unknown => {
    if (item === null || typeof item === 'string' || typeof item === 'boolean') return item;
    if (typeof item === 'number') return Number.isFinite(item) ? item : String(item);
    if (typeof item === 'bigint') return String(item);
    if (item instanceof Uint8Array) return `${item.length} bytes`;
    if (item instanceof TorchTensor) return `tensor ${item.dtype} [${item.shape.join(', ')}]`;
    if (level === 0 || --left < 0) return '...';
    const all = (items: Iterable<PickleValue>) => Array.from(items, (inner) => describe(inner, level - 1));
    if (Array.isArray(item) || item instanceof Set) return all(item);
    if (item instanceof Tuple) return all(item.items);
    if (item instanceof Map) {
      return Object.fromEntries(
        Array.from(item, ([key, inner]) => [String(describe(key, level - 1)), describe(inner, level - 1)]),
      );
    }
    return item instanceof InertObject
      ? `object ${item.type}`
      : `class ${'name' in item ? item.name : item.key}`;
  };
  return describe(value, depth);
}
