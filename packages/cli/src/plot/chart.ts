/** A chart of lines, as data: what both the terminal and the SVG draw. */

export interface ChartAxis {
  readonly title: string;
  /** Logarithmic. All values must be above 0 then. */
  readonly log?: boolean;
  readonly format: (value: number) => string;
}

export interface ChartLine {
  readonly name: string;
  readonly points: readonly { readonly x: number; readonly y: number }[];
}

export interface Chart {
  readonly x: ChartAxis;
  readonly y: ChartAxis;
  readonly lines: readonly ChartLine[];
  /** Thin lines behind, of the same names: what `lines` were smoothed from. Pictures alone have them. */
  readonly behind?: readonly ChartLine[];
  /** Upright lines at places worth seeing. */
  readonly marks?: readonly { readonly name: string; readonly x: number }[];
}
