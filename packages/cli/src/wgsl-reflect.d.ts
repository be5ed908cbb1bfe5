/** The package declares types for its main file alone. */
declare module "wgsl_reflect/wgsl_reflect.module.js" {
  export { detectRaces } from "wgsl_reflect";
}
