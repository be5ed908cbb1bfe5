/** What the playground's page and its worker tell each other. */
import type { Constants, DeviceInfo, Diagnostic, RunProfile, Threads, UniformValue } from "@kiln-gpu/core";
import type { EntryPoint } from "./program.js";
import type { Elements, ElementType } from "./values.js";

export type BoundValue =
  | { readonly role: "in" | "inout"; readonly data: Elements }
  | { readonly role: "out"; readonly type: ElementType; readonly length: number }
  | { readonly role: "uniform"; readonly value: UniformValue };

export interface RunRequest {
  readonly wgsl: string;
  readonly entryPoint: string;
  readonly constants: Constants;
  readonly bindings: { readonly [name: string]: BoundValue };
  readonly threads?: Threads;
  /** Warm runs after the first one. */
  readonly repeats: number;
}

export type ToWorker =
  | { readonly kind: "reflect"; readonly id: number; readonly wgsl: string }
  | { readonly kind: "translate"; readonly id: number; readonly spirv: Uint8Array; readonly name: string }
  | ({ readonly kind: "run"; readonly id: number } & RunRequest);

export interface Problem {
  readonly code: string;
  readonly message: string;
  readonly diagnostics: readonly Diagnostic[];
}

export interface Timings {
  readonly openMs: number;
  readonly first: RunProfile;
  readonly warm: RunProfile;
  readonly warmMs: { readonly median: number; readonly p10: number; readonly p90: number; readonly count: number };
}

export type FromWorker =
  | { readonly kind: "reflected"; readonly id: number; readonly entryPoints: readonly EntryPoint[] }
  | { readonly kind: "translated"; readonly id: number; readonly wgsl: string }
  | {
      readonly kind: "ran";
      readonly id: number;
      readonly device: DeviceInfo;
      readonly results: { readonly [name: string]: Elements };
      readonly timings: Timings;
    }
  | { readonly kind: "refused"; readonly id: number; readonly problem: Problem };
