import { softwareGpu } from "@kiln-gpu/software-gpu";

/** Options that open the same software GPU on every machine. */
export const software = { fallback: softwareGpu, software: true } as const;
