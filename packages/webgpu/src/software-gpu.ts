/** The files of a software Vulkan driver on this machine. */
export interface SoftwareDriver {
  /**
   * Path of the driver's library, with the name (SONAME) `libvulkan.so.1` and the entry point of a Vulkan loader, so
   * that WebGPU takes it for one. Its file's name begins with `libvulkan-`, which tells it from a loader.
   */
  readonly library: string;
  /**
   * Path of the driver's Vulkan ICD manifest (JSON): by this a Vulkan loader that is in the process already finds it.
   */
  readonly manifest: string;
  /** Path of a folder to be read in place of `$XDG_CONFIG_HOME`; the Vulkan loader settings in it are empty. */
  readonly configHome: string;
  /** Path of a Vulkan loader, for other programs on systems that have none. */
  readonly loader: string;
}

/** A software GPU that can be put on this machine: `softwareGpu` of `@kiln-gpu/software-gpu`. */
export interface SoftwareGpu {
  readonly name: string;
  /**
   * @throws {ComputeError} `no-adapter` if it cannot work here: on another platform, or with a file that is not the
   *   expected one.
   */
  locate(): Promise<SoftwareDriver>;
}
