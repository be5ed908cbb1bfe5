/** The part of wgsl_reflect that is used here; the package has no types for the one entry of it that loads. */
declare module "wgsl_reflect/wgsl_reflect.module.js" {
  export interface ReflectedType {
    readonly name: string;
    /** The element of an array, the scalar of a vector, matrix or atomic. */
    readonly format?: ReflectedType | null;
    readonly count?: number;
    readonly members?: readonly ReflectedMember[] | null;
  }

  export interface ReflectedMember {
    readonly name: string;
    readonly type: ReflectedType;
    readonly attributes: readonly { readonly name: string; readonly value: string | readonly string[] | null }[] | null;
  }

  export class WgslReflect {
    constructor(code: string);
    readonly uniforms: readonly { readonly name: string; readonly type: ReflectedType }[];
    readonly storage: readonly { readonly name: string; readonly type: ReflectedType }[];
    readonly structs: readonly ReflectedType[];
    readonly aliases: readonly { readonly name: string; readonly type: ReflectedType }[];
  }
}
