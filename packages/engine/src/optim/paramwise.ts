/**
 * Parameter groups from `optimWrapper.paramwiseConfig`: learning rate and weight decay of every parameter by what it belongs to. The rules
 * and their order are those of MMEngine's DefaultOptimWrapperConstructor and, with `layerDecayRate`, of MMPretrain's
 * LearningRateDecayOptimWrapperConstructor.
 */

import { OmmaError } from '@omma/core';
import {
  type AnyModule,
  BatchNorm2d,
  Conv2d,
  GroupNorm,
  InstanceNorm2d,
  LayerNorm,
  Parameter,
  type ParameterOptions,
  type ParameterRule,
} from '@omma/nn';
import { type LayerDepth, layerDepths } from './layerDepth.ts';

export interface ParamwiseConfig {
  /** Of biases, except those of normalisation layers and of the offsets of deformable convolutions. */
  readonly biasLrMult?: number;
  /** Of biases likewise; those of normalisation layers take it too while `normDecayMult` is not given. */
  readonly biasDecayMult?: number;
  /** Of weights and biases of normalisation layers. */
  readonly normDecayMult?: number;
  /** Of depthwise convolutions. */
  readonly dwconvDecayMult?: number;
  /** Of weights and biases of the offsets of deformable convolutions: layers called `conv_offset`. */
  readonly dcnOffsetLrMult?: number;
  /** Of one-dimensional parameters that none of the other decay rules is for. */
  readonly flatDecayMult?: number;
  /** A parameter that two modules share goes by its first place, whatever the rules say of the others. */
  readonly bypassDuplicate?: boolean;
  /** By parameter name: the longest key that the name contains wins over all other rules. */
  readonly customKeys?: Readonly<Record<string, ParameterOptions>>;
  /**
   * Layer decay: the learning rate of a layer is multiplied by this as many times as there are layers between it and the head. No multiplier of
   * a learning rate goes with it.
   */
  readonly layerDecayRate?: number;
}

/** A parameter and the module that it belongs to. */
interface Place {
  readonly name: string;
  readonly path: string;
  readonly module: AnyModule;
  readonly parameter: Parameter;
}

/** What the parameters of `model` do differently. */
export function paramwiseRule(model: AnyModule, config: ParamwiseConfig = {}): ParameterRule {
  const found = new Map<string, ParameterOptions>();
  const first = new Map<Parameter, { name: string; options: ParameterOptions }>();
  const depths = config.layerDecayRate === undefined ? null : layerDepths(model);
  if (depths !== null) checkLayerDecay(config);
  for (const place of places(model)) {
    const options = optionsOf(place, config, depths);
    const known = first.get(place.parameter);
    if (known === undefined) {
      first.set(place.parameter, { name: place.name, options });
      found.set(place.name, options);
    } else if (config.bypassDuplicate !== true && !sameOptions(known.options, options)) {
      throw new OmmaError(
        `paramwiseConfig: ${known.name} and ${place.name} are one parameter but the rules say ${describe(known.options)} of the first and ${describe(options)} of the second; set bypassDuplicate to go by the first, or change the rules`,
      );
    }
  }
  return (name) => found.get(name) ?? {};
}

/** Every parameter at every place where a module holds it; `path` is the module's. */
function places(model: AnyModule): Place[] {
  return model.namedModules().flatMap(([path, module]) =>
    module.ownVariables().flatMap(([own, parameter]): Place[] => {
      const name = path === '' ? own : `${path}.${own}`;
      return parameter instanceof Parameter ? [{ name, path, module, parameter }] : [];
    }),
  );
}

function optionsOf(
  place: Place,
  config: ParamwiseConfig,
  depths: ((name: string) => LayerDepth) | null,
): ParameterOptions {
  const custom = customOptions(place.name, config.customKeys ?? {});
  const { layerDecayRate = 1 } = config;
  const options = custom ?? { ...lrOptions(place, config), ...decayOptions(place, config) };
  if (depths === null) return options;
  const { layer, layers } = depths(place.name);
  return { ...options, lrMult: layerDecayRate ** (layers - layer - 1) };
}

/** MMEngine looks for the key in the path with a dot in front, even where there is no path. */
function customOptions(
  name: string,
  customKeys: Readonly<Record<string, ParameterOptions>>,
): ParameterOptions | null {
  const searched = name.includes('.') ? name : `.${name}`;
  const keys = Object.keys(customKeys).sort((a, b) => b.length - a.length || (a < b ? -1 : 1));
  const key = keys.find((candidate) => searched.includes(candidate));
  return key === undefined ? null : (customKeys[key] ?? null);
}

function lrOptions(place: Place, { biasLrMult, dcnOffsetLrMult }: ParamwiseConfig): ParameterOptions {
  if (isOffset(place)) return dcnOffsetLrMult === undefined ? {} : { lrMult: dcnOffsetLrMult };
  return isBias(place) && !isNorm(place) && biasLrMult !== undefined ? { lrMult: biasLrMult } : {};
}

function decayOptions(place: Place, config: ParamwiseConfig): ParameterOptions {
  const { normDecayMult, biasDecayMult, dwconvDecayMult, flatDecayMult } = config;
  const rules: readonly (readonly [boolean, number | undefined])[] = [
    [isNorm(place), normDecayMult],
    [isBias(place) && !isOffset(place), biasDecayMult],
    [isDepthwise(place), dwconvDecayMult],
    [place.parameter.shape.length === 1 && !isOffset(place), flatDecayMult],
  ];
  for (const [fits, decayMult] of rules) if (fits && decayMult !== undefined) return { decayMult };
  return {};
}

function isBias({ name }: Place): boolean {
  return name === 'bias' || name.endsWith('.bias');
}

function isNorm({ module }: Place): boolean {
  return [BatchNorm2d, InstanceNorm2d, GroupNorm, LayerNorm].some((norm) => module instanceof norm);
}

/** One input channel a group. */
function isDepthwise({ module }: Place): boolean {
  return module instanceof Conv2d && module.weight.shape[1] === 1;
}

/** The convolution that makes a deformable convolution's offsets has this name in all of OpenMMLab's layers. */
function isOffset({ path, module }: Place): boolean {
  return module instanceof Conv2d && /(^|\.)conv_offset$/.test(path);
}

function checkLayerDecay({ biasLrMult, dcnOffsetLrMult, customKeys = {} }: ParamwiseConfig): void {
  const mistake =
    biasLrMult !== undefined
      ? 'biasLrMult'
      : dcnOffsetLrMult !== undefined
        ? 'dcnOffsetLrMult'
        : Object.keys(customKeys)
            .filter((key) => customKeys[key]?.lrMult !== undefined)
            .map((key) => `customKeys.${key}.lrMult`)[0];
  if (mistake === undefined) return;
  throw new OmmaError(
    `paramwiseConfig: ${mistake} and layerDecayRate both say what the learning rate is multiplied by; leave one of them out`,
  );
}

function sameOptions(a: ParameterOptions, b: ParameterOptions): boolean {
  return describe(a) === describe(b);
}

function describe({ lrMult = 1, decayMult = 1, larsExclude = false }: ParameterOptions): string {
  return `lrMult ${lrMult}, decayMult ${decayMult}${larsExclude ? ', larsExclude' : ''}`;
}
