import { openPersistentBackend, softwareGpu } from "kiln-gpu";
import { makeParameters, makeSamples, randomFrom } from "./data.js";
import { accuracyOf } from "./reference.js";
import { train } from "./train.js";

const random = randomFrom(1);
const samples = makeSamples(1024, random);
const unseen = makeSamples(1024, random);

await using gpu = await openPersistentBackend({ fallback: softwareGpu });
console.log(`Training on ${gpu.device.name}`);
const parameters = await train(gpu, samples, makeParameters(16, random), {
  steps: 2000,
  stepsPerReport: 200,
  rate: 1,
  onProgress: (step, loss) => console.log(`step ${step}: loss ${loss.toFixed(4)}`),
});
console.log(`Right for ${(100 * accuracyOf(parameters, unseen)).toFixed(1)} % of points that it has not seen`);
