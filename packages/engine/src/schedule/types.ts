/** The learning-rate schedules that a config can name. Positions count in epochs unless `byEpoch` is false, then in iterations. */

interface Span {
  /** First position (inclusive) and last (exclusive) at which it acts; from 0 to the end of training unless given. */
  readonly begin?: number;
  readonly end?: number;
  readonly byEpoch?: boolean;
  /** With `byEpoch`: update at every iteration, positions measured in epochs. */
  readonly convertToIterBased?: boolean;
}

export type SchedulerConfig = Span &
  (
    | { readonly type: 'ConstantLR'; readonly factor?: number }
    | { readonly type: 'LinearLR'; readonly startFactor?: number; readonly endFactor?: number }
    | { readonly type: 'StepLR'; readonly stepSize: number; readonly gamma?: number }
    | { readonly type: 'MultiStepLR'; readonly milestones: readonly number[]; readonly gamma?: number }
    | { readonly type: 'ExponentialLR'; readonly gamma: number }
    | {
        readonly type: 'CosineAnnealingLR';
        readonly tMax?: number;
        readonly etaMin?: number;
        readonly etaMinRatio?: number;
      }
    | { readonly type: 'PolyLR'; readonly power?: number; readonly etaMin?: number }
    | {
        readonly type: 'OneCycleLR';
        readonly etaMax: number;
        readonly totalSteps?: number;
        readonly pctStart?: number;
        readonly annealStrategy?: 'cos' | 'linear';
        readonly divFactor?: number;
        readonly finalDivFactor?: number;
        readonly threePhase?: boolean;
      }
  );
