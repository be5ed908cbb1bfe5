/** A software Vulkan driver on this machine. */
export interface SoftwareDriver {
  /** Path of the driver's Vulkan ICD manifest (JSON). */
  readonly manifest: string;
  /** Path of a Vulkan loader, for systems that have none. */
  readonly loader: string;
}

/** Something that can put a software GPU on this machine: `softwareGpu` of `@kiln-gpu/software-gpu`. */
export interface SoftwareGpu {
  readonly name: string;
  /** @throws {ComputeError} `no-adapter` where it cannot work (another platform, a file that is not what it should be). */
  locate(): Promise<SoftwareDriver>;
}
