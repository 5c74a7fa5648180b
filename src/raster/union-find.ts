// raster/union-find.ts: disjoint sets of whole numbers; the root of a set is its smallest member. Pure.

/** `count` sets of one member each. */
export function singletons(count: number): Int32Array {
  const parent = new Int32Array(count);
  for (let i = 0; i < count; i++) parent[i] = i;
  return parent;
}

/** The smallest member of the set that holds `i`. */
export function rootOf(parent: Int32Array, i: number): number {
  let root = i;
  while (parent[root] !== root) {
    parent[root] = parent[parent[root]!]!;
    root = parent[root]!;
  }
  return root;
}

/** Join the sets of `a` and `b`. */
export function joinSets(parent: Int32Array, a: number, b: number): void {
  const rootA = rootOf(parent, a), rootB = rootOf(parent, b);
  if (rootA < rootB) parent[rootB] = rootA;
  else parent[rootA] = rootB;
}
