/** Connection types (Relay) over any node type. */
import type { ObjectRef } from '@pothos/core';
import type { Connection, Edge } from '../resolvers/connections.ts';
import { marked } from '../resolvers/marks.ts';
import type { Builder, SchemaTypes } from './builder.ts';
import type { Shared } from './static.ts';

type NodeType<T> = ObjectRef<PothosSchemaTypes.ExtendDefaultTypes<SchemaTypes>, T>;

/** `NameConnection` with nodes, edges, pageInfo and totalCount, and `NameEdge`. */
export function addConnection<T>(builder: Builder, { pageInfo }: Shared, name: string, node: NodeType<T> | 'JSON', what: string) {
  const edge = builder.objectRef<Edge<T>>(`${name}Edge`).implement({
    description: `One of ${what}, with its cursor.`,
    fields: (t) => ({
      cursor: t.string({ ...marked({ tellsPlace: true }), description: 'Marks the place of this item.', resolve: (at) => at.cursor() }),
      node: t.field({ type: node, description: 'The item.', resolve: (at) => at.node as never }),
    }),
  });
  return builder.objectRef<Connection<T>>(`${name}Connection`).implement({
    description: `A page of ${what}.`,
    fields: (t) => ({
      nodes: t.field({ type: [node], description: 'The items of the page.', resolve: (at) => at.nodes() as never }),
      edges: t.field({ type: [edge], description: 'The items with their cursors.', resolve: (at) => at.edges() }),
      pageInfo: t.field({ type: pageInfo, description: 'Where the page lies.', resolve: (at) => at.pageInfo() }),
      totalCount: t.field({
        type: 'SafeInt',
        description: 'The number of items in the whole list, not only on the page. It is counted only if it is selected.',
        resolve: (at) => at.totalCount(),
      }),
    }),
  });
}
