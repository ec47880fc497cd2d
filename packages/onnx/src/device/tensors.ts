/** Between the arrays of `element.ts` and tensors of ONNX Runtime, without copies where the runtime has the data on the host. */

import type { Shape } from '@omma/core';
import type { ElementType } from '../element.ts';
import { type ElementArray, elementView } from '../elementArray.ts';
import type { Runtime, RuntimeTensor } from './provider.ts';

/** A tensor over `array`. */
export function tensorOf(
  runtime: Runtime,
  array: ElementArray,
  element: ElementType,
  shape: Shape,
): RuntimeTensor {
  if (element === 'bfloat16') throw new Error('onnx: ONNX Runtime in JavaScript has no bfloat16 tensors');
  return new runtime.Tensor(element, array, shape);
}

/** The elements of a tensor, fetched where they are on an accelerator. */
export async function arrayOf(tensor: RuntimeTensor, element: ElementType): Promise<ElementArray> {
  const data = tensor.location === 'cpu' ? tensor.data : await tensor.getData();
  if (tensor.type !== element || !ArrayBuffer.isView(data))
    throw new Error(`onnx: expected a tensor of ${element} but ONNX Runtime made one of ${tensor.type}`);
  // Newer engines give float16 as Float16Array: the same bits under another class.
  return elementView(element, data.buffer, data.byteOffset, tensor.size);
}
