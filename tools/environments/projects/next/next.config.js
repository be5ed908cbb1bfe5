// Turbopack cannot bundle npm `webgpu`, which is native code.
export default { serverExternalPackages: ["webgpu"] };
