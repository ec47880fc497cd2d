/** Decoded pixels on the host, before they become a tensor. Every decoder makes them and every transform reads them. */

/** Rows from top to bottom, pixels from left to right, channels together: `data[(y * width + x) * channels + c]`. */
export interface Picture {
  readonly width: number;
  readonly height: number;
  /** 3 for RGB, 1 for grey. */
  readonly channels: number;
  readonly data: Uint8Array;
}

/** A rectangle in pixels; it may lie between pixels and reach beyond the picture, where everything is black. */
export interface Region {
  readonly left: number;
  readonly top: number;
  readonly width: number;
  readonly height: number;
}

/** What a chain of transforms asks for: this region, resized to this size, mirrored or not. */
export interface Plan {
  readonly region: Region;
  readonly width: number;
  readonly height: number;
  readonly flip: boolean;
}
