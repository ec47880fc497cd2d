/** The numbers that golden files name instead of holding: see `fill` in the README beside the files. */

/** float32 numbers in [low, high) from a name: FNV-1a of the name, one step of the golden ratio an element, murmur3's finaliser. */
export function fill(name: string, size: number, low: number, high: number): Float32Array {
  let hash = 0x811c9dc5;
  for (const byte of new TextEncoder().encode(name)) hash = Math.imul(hash ^ byte, 0x01000193);
  const result = new Float32Array(size);
  for (let i = 0; i < size; i++) {
    let x = (hash + Math.imul(i, 0x9e3779b9)) >>> 0;
    x = Math.imul(x ^ (x >>> 16), 0x85ebca6b);
    x = Math.imul(x ^ (x >>> 13), 0xc2b2ae35);
    x ^= x >>> 16;
    result[i] = low + (high - low) * ((x >>> 8) / 2 ** 24);
  }
  return result;
}
