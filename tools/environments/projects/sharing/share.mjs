/**
 * What both pages do around their work: tell the console how often a buffer was mapped meanwhile, and the results.
 * @param {() => Promise<() => Promise<() => Promise<string>>>} prepare Returns the work, which returns a function that
 *   reads the results.
 */
export async function share(prepare) {
  try {
    const work = await prepare();
    let maps = 0;
    const { mapAsync } = GPUBuffer.prototype;
    GPUBuffer.prototype.mapAsync = function (...range) {
      maps += 1;
      return mapAsync.apply(this, range);
    };
    const read = await work();
    console.log(`${maps} maps`);
    console.log(await read());
  } catch (error) {
    console.log(String(error));
  }
  console.log("end");
}
