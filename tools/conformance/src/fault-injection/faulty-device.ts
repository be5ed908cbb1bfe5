/**
 * A real device on which every call of a WebGPU method can be watched and replaced. Only methods are intercepted;
 * properties come from the device.
 */

/** One call of a method, about to be made. */
export interface DeviceCall {
  /** For example `GPUQueue.submit`. */
  readonly method: string;
  /** The real object. */
  readonly target: object;
  /** The arguments, with real objects in place of watched ones. */
  readonly args: readonly unknown[];
  /** Makes the call, with other arguments if given. */
  readonly perform: (...args: unknown[]) => unknown;
}

/** Makes the call or does something else. The caller gets what this returns or throws. */
export type Interceptor = (call: DeviceCall) => unknown;

/** Wraps `device`, so that each method call on it and on the objects it creates goes to `intercept`. */
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
        // Native methods require the native object as `this`.
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

  /** Unwraps also inside descriptors. */
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

/** Objects whose methods are called. Plain data such as limits and errors is not wrapped. */
function isWatchable(value: object): boolean {
  return /^GPU(Device|Queue|Buffer|BindGroup|BindGroupLayout|PipelineLayout|ShaderModule|ComputePipeline|QuerySet|CommandEncoder|ComputePassEncoder|CommandBuffer)$/.test(
    nameOf(value),
  );
}
