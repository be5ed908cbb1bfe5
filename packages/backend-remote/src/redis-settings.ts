/** Options of `ioredis`, which connects with them; they win over the URL. */
export interface RedisSettings {
  readonly username?: string;
  readonly password?: string;
  /** Options of `node:tls`, for instance `ca`; `{}` is enough for a certificate that the machine trusts. */
  readonly tls?: { readonly [option: string]: unknown };
  readonly [option: string]: unknown;
}
