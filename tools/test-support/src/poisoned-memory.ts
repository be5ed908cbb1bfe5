/** Options of a persistent backend that fills all memory with a pattern before each use. */
export const poisonedMemory: object = { poisonMemory: true };
