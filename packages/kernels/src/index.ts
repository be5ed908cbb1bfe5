export {
  type ArgReductionBindings,
  argMaxReference,
  argMinReference,
  defineArgMax,
  defineArgMin,
} from "./arg-reduction.js";
export {
  type CompactionBindings,
  compactionReference,
  defineCompaction,
  defineFilter,
  defineUnique,
  type FilterBindings,
  type FilterDefinition,
  type UniqueBindings,
  uniqueReference,
} from "./compaction.js";
export {
  type ConvolutionBindings,
  type ConvolutionBorder,
  type ConvolutionDefinition,
  convolution2dReference,
  defineConvolution2d,
  type ImageSize,
} from "./convolution.js";
export {
  type ExclusiveScanBindings,
  exclusiveScan,
  exclusiveScanReference,
  exclusiveScanSpirv,
  runExclusiveScan,
} from "./exclusive-scan.js";
export { defineFft, type FftBindings, type FftDefinition, fftReference } from "./fft.js";
export { type FieldAddBindings, fieldAdd, fieldAddReference, fieldAddSpirv, runFieldAdd } from "./field-add.js";
export {
  defineGather,
  defineScatter,
  type GatherBindings,
  gatherReference,
  type ScatterBindings,
  scatterReference,
} from "./gather.js";
export {
  type HistogramBindings,
  histogram,
  histogramReference,
  histogramSpirv,
  runHistogram,
} from "./histogram.js";
export type { KernelRunOptions } from "./kernel-run-options.js";
export {
  defineMatrixProduct,
  type MatrixDims,
  type MatrixProductBindings,
  type MatrixProductDefinition,
  matrixProduct,
  matrixProductReference,
  matrixProductSpirv,
  runMatrixProduct,
} from "./matrix-product.js";
export {
  type HalfArray,
  halfToNumber,
  hasSubgroupMatrices,
  type MatrixProductF16Bindings,
  matrixProductF16,
  matrixProductF16For,
  matrixProductF16Reference,
  matrixProductF16Subgroups,
  runMatrixProductF16,
} from "./matrix-product-f16.js";
export { type MeanBindings, mean, meanReference, runMean } from "./mean.js";
export {
  type NBodyBindings,
  type NBodySettings,
  type NBodyState,
  nBody,
  nBodyReference,
  runNBody,
} from "./n-body.js";
export type { NumberArrays, NumberType, Operation } from "./operation.js";
export {
  defineRadixSort,
  defineRadixSortPairs,
  type RadixSortBindings,
  type RadixSortPairsBindings,
} from "./radix-sort.js";
export {
  type RandomBindings,
  type RandomGenerator,
  randomGenerator,
  randomNormal,
  randomNormalReference,
  randomUniform,
  randomUniformReference,
  randomWords,
  randomWordsReference,
} from "./random.js";
export {
  defineReduceByKey,
  type ReduceByKeyBindings,
  type ReduceByKeyDefinition,
  reduceByKeyReference,
} from "./reduce-by-key.js";
export { defineReduction, type ReductionBindings, type ReductionDefinition } from "./reduction.js";
export { runSaxpy, type SaxpyBindings, saxpy, saxpyReference, saxpySpirv } from "./saxpy.js";
export { defineScan, type ScanBindings, type ScanDefinition } from "./scan.js";
export { runSum, type SumBindings, sum, sumReference, sumSpirv } from "./sum.js";
