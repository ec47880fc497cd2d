/**
 * The schedules that a config can name, for learning rate, momentum and weight decay. Families and options are MMEngine's in camelCase.
 * Positions count in epochs unless `byEpoch` is false, then in iterations.
 */

/** What a schedule can move. Momentum is the first beta where an optimiser has betas. */
export type ScheduledParam = 'lr' | 'momentum' | 'weightDecay';

interface Target {
  /** The part in `optimWrapper.optimizers` that it is for; the main optimiser unless given. */
  readonly optimizer?: string;
}

interface Span extends Target {
  /** First position (inclusive) and last (exclusive) at which it acts; from 0 to the end of training unless given. */
  readonly begin?: number;
  readonly end?: number;
  readonly byEpoch?: boolean;
  /** With `byEpoch`: update at every iteration, positions measured in epochs. */
  readonly convertToIterBased?: boolean;
}

/** Where a curve ends: an absolute value, or a share of the value it starts from; 0 unless one of them is given. */
interface Floor {
  readonly etaMin?: number;
  readonly etaMinRatio?: number;
}

/** Options of each family besides its span; extended by declaration merging, see ownFamilies.ts. */
export interface SchedulerFamilies {
  /** The value times `factor` until the span's end, then whole again. */
  Constant: { readonly factor?: number };
  /** The value times a factor that goes from `startFactor` (1/3) to `endFactor` (1). */
  Linear: { readonly startFactor?: number; readonly endFactor?: number };
  /** Times `gamma` every `stepSize`. */
  Step: { readonly stepSize: number; readonly gamma?: number };
  /** Times `gamma` at each milestone, counted from the span's begin. */
  MultiStep: { readonly milestones: readonly number[]; readonly gamma?: number };
  /** Times `gamma` at every position: every iteration when converted. From `startFactor` (1) times the value on: MMCV's exponential warm-up. */
  Exponential: { readonly gamma: number; readonly startFactor?: number };
  /** Down along half a cosine of length `tMax`, the span unless given. */
  CosineAnnealing: Floor & { readonly tMax?: number };
  /** Cosines of `periods` lengths, each from the initial value times its restart weight. */
  CosineRestart: Floor & { readonly periods: readonly number[]; readonly restartWeights?: readonly number[] };
  /** Down to `etaMin` (0) along (1 - progress) ** `power` (1). */
  Poly: { readonly power?: number; readonly etaMin?: number };
  /** Down along 1 / (1 + `gamma` * position) ** `power` (1): MMCV's `InvLrUpdater`. */
  Inv: { readonly gamma: number; readonly power?: number };
  /** Up from near 0 along a parabola: YOLOX's warm-up, of MMDetection. */
  QuadraticWarmup: Readonly<Record<never, never>>;
}

export type SchedulerFamily = keyof SchedulerFamilies;

/** The schedules of one family: `LinearLR`, `LinearMomentum`, `LinearWeightDecay`, and `LinearParamScheduler` with a name. */
export type SchedulerOf<F extends SchedulerFamily> = {
  [Family in F]: Span &
    SchedulerFamilies[Family] &
    (
      | { readonly type: `${Family}LR` | `${Family}Momentum` | `${Family}WeightDecay` }
      | { readonly type: `${Family}ParamScheduler`; readonly paramName: ScheduledParam }
    );
}[F];

/** Smith's 1cycle policy: up from etaMax / divFactor to etaMax, then down to far below where it began, whatever the optimiser's own value is. */
export type OneCycleConfig = Span & {
  readonly etaMax: number;
  /** Length of the cycle, the span unless given. */
  readonly totalSteps?: number;
  readonly pctStart?: number;
  readonly annealStrategy?: 'cos' | 'linear';
  readonly divFactor?: number;
  readonly finalDivFactor?: number;
  readonly threePhase?: boolean;
} & (
    | { readonly type: 'OneCycleLR' }
    | { readonly type: 'OneCycleParamScheduler'; readonly paramName: ScheduledParam }
  );

/** Times `factor` when a metric of the evaluation has not become better for more than `patience` evaluations. */
export type PlateauConfig = Target & {
  /** The metric: 'accuracy/top1'. */
  readonly monitor: string;
  /** Whether less is better ('less' unless given). */
  readonly rule?: 'less' | 'greater';
  readonly factor?: number;
  readonly patience?: number;
  /** By how much a better value must be better, as a share of the best ('rel' unless given) or as it is ('abs'). */
  readonly threshold?: number;
  readonly thresholdRule?: 'rel' | 'abs';
  /** Evaluations after a reduction that do not count. */
  readonly cooldown?: number;
  readonly minValue?: number;
  /** Smaller reductions are left out. */
  readonly eps?: number;
  /** Epochs between which it looks. */
  readonly begin?: number;
  readonly end?: number;
} & (
    | { readonly type: 'ReduceOnPlateauLR' | 'ReduceOnPlateauMomentum' | 'ReduceOnPlateauWeightDecay' }
    | { readonly type: 'ReduceOnPlateauParamScheduler'; readonly paramName: ScheduledParam }
  );

export type SchedulerConfig = SchedulerOf<SchedulerFamily> | OneCycleConfig | PlateauConfig;

/** What a family's name is followed by. */
export const suffixes = ['LR', 'Momentum', 'WeightDecay', 'ParamScheduler'] as const;

type Suffix = (typeof suffixes)[number];

/** True for the schedules of `family`. */
export function isFamily<F extends SchedulerFamily>(
  config: SchedulerConfig,
  family: F,
): config is Extract<SchedulerConfig, { readonly type: `${F}${Suffix}` }> {
  return config.type.startsWith(family);
}

export function isOneCycle(config: SchedulerConfig): config is OneCycleConfig {
  return config.type.startsWith('OneCycle');
}

export function isPlateau(config: SchedulerConfig): config is PlateauConfig {
  return config.type.startsWith('ReduceOnPlateau');
}

/** What a schedule moves. */
export function scheduledParam(config: SchedulerConfig): ScheduledParam {
  if ('paramName' in config) return config.paramName;
  if (config.type.endsWith('Momentum')) return 'momentum';
  return config.type.endsWith('WeightDecay') ? 'weightDecay' : 'lr';
}
