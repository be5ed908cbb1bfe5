/**
 * A real device in which every call of a WebGPU method can be watched and turned into another. Only methods are seen: what a property says
 * is the device's own.
 */

/** One call of a method, about to be made. */
export interface DeviceCall {
  /** As `GPUQueue.submit`. */
  readonly method: string;
  /** The real object. */
  readonly target: object;
  /** With real objects in place of watched ones. */
  readonly args: readonly unknown[];
  /** Makes the call, with other arguments where some are given. */
  readonly perform: (...args: unknown[]) => unknown;
}

/** Makes the call, or does something else; what it returns or throws is what the caller gets. */
export type Interceptor = (call: DeviceCall) => unknown;

/** A stand-in for `device` that hands each call of its methods, and of all that is made by it, to `intercept`. */
export function watchedDevice(device: GPUDevice, intercept: Interceptor): GPUDevice {
  const realOf = new WeakMap<object, object>();
  const watchedOf = new WeakMap<object, object>();

  const watched = (value: unknown): unknown => {
    if (value instanceof Promise) return value.then(watched);
    if (typeof value !== "object" || value === null || !isWatchable(value)) return value;
    const known = watchedOf.get(value);
    if (known) return known;
    const methods = new Map<PropertyKey, unknown>();
    const stand = new Proxy(value, {
      get(target, key) {
        const kept = methods.get(key);
        if (kept) return kept;
        // The objects of a driver want to be `this` themselves.
        const property: unknown = Reflect.get(target, key, target);
        if (typeof property !== "function") return watched(property);
        const method = (...given: unknown[]) => {
          const args = given.map(real);
          const perform = (...others: unknown[]) => property.apply(target, others.length > 0 ? others : args);
          return watched(intercept({ method: `${nameOf(target)}.${String(key)}`, target, args, perform }));
        };
        methods.set(key, method);
        return method;
      },
      set: (target, key, given) => Reflect.set(target, key, real(given), target),
    });
    watchedOf.set(value, stand);
    realOf.set(stand, value);
    return stand;
  };

  /** Also inside descriptors. */
  const real = (value: unknown): unknown => {
    if (typeof value !== "object" || value === null) return value;
    const known = realOf.get(value);
    if (known) return known;
    if (Array.isArray(value)) return value.map(real);
    if (Object.getPrototypeOf(value) !== Object.prototype) return value;
    return Object.fromEntries(Object.entries(value).map(([name, member]) => [name, real(member)]));
  };

  return watched(device) as GPUDevice;
}

const nameOf = (value: object) => value.constructor.name;

/** Objects of which methods are called; what only tells something, as limits and errors do, stays what it is. */
function isWatchable(value: object): boolean {
  return /^GPU(Device|Queue|Buffer|BindGroup|BindGroupLayout|PipelineLayout|ShaderModule|ComputePipeline|QuerySet|CommandEncoder|ComputePassEncoder|CommandBuffer)$/.test(
    nameOf(value),
  );
}
