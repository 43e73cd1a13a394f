/** Builds GraphQL types: the fixed part of the API, and a family of types and fields for each of some tables. */
import type { GraphQLSchema } from 'graphql';
import type { TypedTable } from '../resolvers/table-types.ts';
import { forgetConfigurations, makeBuilder } from './builder.ts';
import { addCommitInputs } from './commit-operation.ts';
import { addConditions, addGenericFilter } from './conditions.ts';
import { addDiffs, addRowChanges } from './diff.ts';
import { guardFilters } from './filter-guard.ts';
import { handOverJson } from './json-fields.ts';
import { addSubscription } from './live.ts';
import { addMutation } from './mutation.ts';
import { addNode } from './node.ts';
import { addObjects } from './objects.ts';
import { addQuery } from './query.ts';
import { makeRefs } from './refs.ts';
import { addScalars } from './scalars.ts';
import { addShared } from './static.ts';
import { addDiffFields } from './tables/diff.ts';
import { addChangesField } from './tables/live.ts';
import { addRowTypes } from './tables/row.ts';
import { addViewFields } from './tables/view.ts';
import { addWriteFields } from './tables/write.ts';

/** Fields and types keep their order: the fixed part first, then the tables in the order of their creation. */
export function buildSchema(tables: readonly TypedTable[]): GraphQLSchema {
  const builder = makeBuilder();
  addScalars(builder);
  const shared = addShared(builder);
  const generic = addGenericFilter(builder, shared);
  const conditions = addConditions(builder);
  const node = addNode(builder);
  const rowChanges = addRowChanges(builder, shared);
  const refs = makeRefs(builder);
  const objects = addObjects(builder, shared, generic, refs, { node, rowChanges });
  const diffs = addDiffs(builder, generic, refs, rowChanges);
  const inputs = addCommitInputs(builder, shared, generic);
  addQuery(builder, shared, objects, diffs, node);
  addMutation(builder, { shared, objects, generic, diffs, inputs });
  addSubscription(builder, { shared, objects, generic, rowChanges });
  for (const typed of tables) {
    const row = addRowTypes(builder, shared, conditions, node, typed);
    addViewFields(builder, objects, typed, row);
    const change = addDiffFields(builder, shared, diffs, typed, row);
    addChangesField(builder, typed, row, change);
    addWriteFields(builder, shared, objects, inputs, typed, row);
  }
  const schema = builder.toSchema({ sortSchema: false });
  forgetConfigurations(builder, schema);
  for (const type of Object.values(schema.getTypeMap())) {
    handOverJson(type);
    guardFilters(type);
  }
  return schema;
}
