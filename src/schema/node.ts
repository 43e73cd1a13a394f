/** The Node interface: every object with a global id. */
import type { Builder } from './builder.ts';

export type NodeRef = ReturnType<typeof addNode>;

/** What `node(id)` found: the value under any of the object types, tagged with the name of its type. */
const typeNames = new WeakMap<object, string>();

export function tagged<Value extends object>(typeName: string, value: Value): Value {
  typeNames.set(value, typeName);
  return value;
}

export function addNode(builder: Builder) {
  return builder.interfaceRef<object>('Node').implement({
    description: 'An object with a global id. `node(id)` finds it by this id, and caches use the id as its key.',
    resolveType: (value) => typeNames.get(value),
    fields: (t) => ({ id: t.id({ description: 'The global id.', resolve: () => '' }) }),
  });
}
