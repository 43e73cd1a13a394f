/** Tells that the database was put back from a backup: what an application holds may not be there, or be something else. */

/**
 * Whether an error means that the database was restored from a backup: a cursor or an id of another incarnation was passed, or
 * a snapshotId that the restored database does not have. It takes an error of any client. If true, read everything again, and
 * subscribe after what you read.
 */
export function wasRestored(error: unknown): boolean {
  return errorsOf(error).some((one) => {
    const { code, details } = ((one as { readonly extensions?: unknown } | null)?.extensions ?? {}) as {
      readonly code?: unknown;
      readonly details?: Readonly<Record<string, unknown>> | null;
    };
    if (details == null) return false;
    return (
      'currentIncarnation' in details ||
      (code === 'SNAPSHOT_NOT_FOUND' && Number(details['snapshotId']) > Number(details['newestSnapshotId']))
    );
  });
}

/** The GraphQL errors in what clients tell: graphql-ws a list, Apollo an error with `errors`, urql one with `graphQLErrors`. */
function errorsOf(error: unknown): readonly unknown[] {
  if (Array.isArray(error)) return error;
  if (error === null || typeof error !== 'object') return [];
  const { errors, graphQLErrors } = error as { readonly errors?: unknown; readonly graphQLErrors?: unknown };
  return [errors, graphQLErrors].find(Array.isArray) ?? [error];
}
