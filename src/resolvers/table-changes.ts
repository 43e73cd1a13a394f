/** `alterTable(changes)`: what callers write, as the engine's changes of columns. */
import { type ColumnChange, type ColumnDefinition, EngineError, type RetentionDefinition } from '../engine/index.ts';

/** Each item names exactly one change. */
export interface TableChangeInput {
  readonly addColumn?: ColumnDefinition;
  readonly dropColumn?: { readonly name: string };
  readonly renameColumn?: { readonly name: string; readonly to: string; readonly graphqlName?: string | null };
  readonly widenColumn?: Omit<Extract<ColumnChange, { kind: 'widenColumn' }>, 'kind'>;
  readonly makeOptional?: { readonly name: string };
  readonly reorderColumns?: { readonly names: readonly string[] };
  readonly setDescription?: { readonly column?: string | null; readonly description?: string | null };
  readonly setRetention?: RetentionDefinition;
}

export function tableChanges(inputs: readonly TableChangeInput[]): ColumnChange[] {
  return inputs.map((input, index): ColumnChange => {
    const given = Object.entries(input).filter(([, value]) => value !== undefined && value !== null);
    const [kind] = given[0] ?? [];
    if (kind === undefined || given.length > 1)
      throw new EngineError('BAD_USER_INPUT', `changes[${index}] must name exactly one change`, { details: { index } });
    if (input.addColumn != null) return { kind: 'addColumn', column: input.addColumn };
    if (input.dropColumn != null) return { kind: 'dropColumn', ...input.dropColumn };
    if (input.renameColumn != null) return { kind: 'renameColumn', ...input.renameColumn };
    if (input.widenColumn != null) return { kind: 'widenColumn', ...input.widenColumn };
    if (input.makeOptional != null) return { kind: 'makeOptional', ...input.makeOptional };
    if (input.reorderColumns != null) return { kind: 'reorderColumns', ...input.reorderColumns };
    if (input.setDescription != null)
      return { kind: 'setDescription', column: input.setDescription.column, description: input.setDescription.description ?? null };
    const retention = input.setRetention ?? {};
    const none = retention.maxAgeMs == null && retention.minSnapshots == null;
    return { kind: 'setRetention', retention: none ? null : retention };
  });
}
