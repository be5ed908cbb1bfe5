import type { RunPlan } from "@kiln-gpu/core/backend";
import { layoutBatch, type PlaceLimits } from "./batch-layout.js";
import { BatchTemplate } from "./batch-template.js";

/** How many runs the templates of one shape may have together. */
const maxTemplateRuns = 1024;

/**
 * The templates of batches whose runs all have one shape, by that shape and by the number of runs. So a loop that
 * repeats its runs finds its template, and so does a service whose batches have a few runs now and more the next time.
 */
export class BatchTemplates {
  readonly #limits: PlaceLimits;
  readonly #maxMemories: number;
  /** By shape, the last used first. */
  readonly #byShape = new WeakMap<object, BatchTemplate[]>();

  constructor(limits: PlaceLimits, maxMemories: number) {
    this.#limits = limits;
    this.#maxMemories = maxMemories;
  }

  of(runs: readonly { readonly plan: RunPlan }[]): BatchTemplate {
    const { shape } = runs[0]!.plan;
    let isUniform = true;
    for (let i = 1; i < runs.length && isUniform; i += 1) isUniform = runs[i]!.plan.shape === shape;
    const known = (isUniform && this.#byShape.get(shape)) || [];
    const at = known.findIndex(({ layout }) => layout.places.length === runs.length);
    if (at > 0) known.unshift(...known.splice(at, 1));
    if (at >= 0) return known[0]!;
    const plans = runs.map(({ plan }) => plan);
    const template = new BatchTemplate(layoutBatch(plans, this.#limits), this.#maxMemories);
    if (isUniform) this.#byShape.set(shape, fewOf([template, ...known]));
    return template;
  }
}

/** The first templates that have at most `maxTemplateRuns` together; at least one. */
function fewOf(templates: readonly BatchTemplate[]): BatchTemplate[] {
  let runs = 0;
  return templates.filter(({ layout }, i) => {
    runs += layout.places.length;
    return i === 0 || runs <= maxTemplateRuns;
  });
}
