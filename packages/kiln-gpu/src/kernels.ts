export * from "@kiln-gpu/kernels";
