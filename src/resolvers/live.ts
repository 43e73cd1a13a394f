/** Live queries: which tables one asks for, and which parts of its answer say something about their rows. */
import { type GraphQLResolveInfo, getArgumentValues } from 'graphql';
import { asTableId, EngineError, type Instant, type TableId } from '../engine/index.ts';
import { liveSource, type Source, type WatchedTables } from '../pubsub/index.ts';
import type { Context } from './context.ts';
import { marksOf } from './marks.ts';
import { below, cursorsBelow, type Selected, selectedFields, selectionOf } from './selection.ts';

/** @throws EngineError CURSOR_INVALID, TABLE_NOT_FOUND */
export function subscribeToLive(context: Context, info: GraphQLResolveInfo): Source<Instant> {
  if (cursorsBelow(info).length > 0)
    throw new EngineError(
      'CURSOR_INVALID',
      'after and before have no meaning under live: a cursor pins one snapshot, a live query has many',
      {
        hint: 'Use first or last with orderBy and where, or read the page with asOf.',
      },
    );
  const source = liveSource(context.session, context.feed, watchedTables(context, info));
  const key = info.fieldNodes[0]?.alias?.value ?? info.fieldName;
  masks.set(source, new Map([[key, maskOf(info)]]));
  return source;
}

const masks = new WeakMap<object, Mask>();

/** What of the data of a live query says nothing about its rows. */
export function maskOfSource(source: object): Mask {
  return masks.get(source) ?? new Map();
}

function watchedTables(context: Context, info: GraphQLResolveInfo): WatchedTables {
  const ids = new Set<TableId>();
  const names = new Set<string>();
  const view = selectionOf(info);
  for (const field of view === undefined ? [] : selectedFields(info, view)) {
    const definition = view?.type.getFields()[field.name.value];
    if (definition === undefined) continue;
    const { readsTable, readsTableNamedBy } = marksOf(definition);
    if (readsTable !== undefined) ids.add(asTableId(readsTable));
    if (readsTableNamedBy === undefined) continue;
    const name = getArgumentValues(definition, field, info.variableValues)[readsTableNamedBy];
    if (typeof name !== 'string') continue;
    context.session.tablesEverNamed(name);
    names.add(name);
  }
  return { ids, names, isEvery: ids.size + names.size === 0 || (view !== undefined && tellsOfCommits(info, view)) };
}

/** Whether a commit is looked at somewhere below: through it any table can be reached. */
function tellsOfCommits(info: GraphQLResolveInfo, selected: Selected): boolean {
  return selectedFields(info, selected).some((field) => {
    const inner = below(selected, field);
    return inner !== undefined && (marksOf(inner.type).reachesAllTables === true || tellsOfCommits(info, inner));
  });
}

/** Keys of an answer that say which snapshot it is of, not what it holds; below other keys, the same of their objects. */
export type Mask = ReadonlyMap<string, 'ignored' | Mask>;

/** What is left out when two answers of a live query are compared; nothing where it asks for no table. */
export function maskOf(info: GraphQLResolveInfo): Mask {
  const view = selectionOf(info);
  if (view === undefined) return new Map();
  const fields = view.type.getFields();
  const tellsOfTables = selectedFields(info, view).some(({ name }) => {
    const field = fields[name.value];
    return field !== undefined && marksOf(field).tellsPlace !== true;
  });
  return tellsOfTables ? maskBelow(info, view) : new Map();
}

function maskBelow(info: GraphQLResolveInfo, selected: Selected): Mask {
  const mask = new Map<string, 'ignored' | Mask>();
  for (const field of selectedFields(info, selected)) {
    const key = field.alias?.value ?? field.name.value;
    const definition = selected.type.getFields()[field.name.value];
    if (definition !== undefined && marksOf(definition).tellsPlace === true) {
      mask.set(key, 'ignored');
      continue;
    }
    const fields = below(selected, field);
    const inner = fields === undefined ? undefined : maskBelow(info, fields);
    if (inner !== undefined && inner.size > 0) mask.set(key, new Map([...((mask.get(key) as Mask | undefined) ?? []), ...inner]));
  }
  return mask;
}

/** An answer without what is ignored; the rest is not copied. */
export function masked(value: unknown, mask: Mask): unknown {
  if (mask.size === 0 || value === null || typeof value !== 'object') return value;
  if (Array.isArray(value)) return value.map((item) => masked(item, mask));
  // Keys are what the document calls them, __proto__ too.
  const kept = Object.create(null) as Record<string, unknown>;
  for (const [key, item] of Object.entries(value)) {
    const below = mask.get(key);
    if (below === 'ignored') continue;
    kept[key] = below === undefined ? item : masked(item, below);
  }
  return kept;
}
