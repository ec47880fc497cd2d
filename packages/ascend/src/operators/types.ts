/** Lists of element types as the table writes them: `float16 float32 bool?`, where `?` says UNVERIFIED and `any` stands for all usual types. */

import { elementTypeNames, type OnnxElement } from '@omma/onnx';

/** Types that `any` does not stand for. */
const unusual: readonly string[] = ['float64', 'complex64', 'complex128'];

/** Whether a list has `type`: 'yes', 'assumed' where the table marks it with `?`, or 'no'. */
export function listed(list: string, type: OnnxElement): 'yes' | 'assumed' | 'no' {
  const words = list.split(' ');
  if (words.includes(type)) return 'yes';
  const usual = !unusual.includes(type);
  if (usual && words.includes('any')) return 'yes';
  return words.includes(`${type}?`) || (usual && words.includes('any?')) ? 'assumed' : 'no';
}

/** Whether text is a list of known types. */
export function isTypeList(text: string): boolean {
  const known: readonly string[] = [...elementTypeNames, 'any', 'complex32'];
  return text === '' || text.split(' ').every((word) => known.includes(word.replace(/\?$/, '')));
}
