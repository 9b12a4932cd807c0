export type VersionVector = readonly { readonly actor: number; readonly counter: number }[];
