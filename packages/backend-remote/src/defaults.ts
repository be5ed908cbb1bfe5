export const defaultStoreBytes = 8 * 2 ** 20;
export const defaultKeepMs = 3600 * 1000;
