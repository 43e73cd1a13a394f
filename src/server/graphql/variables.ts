/**
 * Variables as GraphQL can read them. Its coercion reads `value[field]` of every field of an input type, and so takes what
 * an object inherits from JavaScript for a value where a column or a table is called `constructor`, `toString` and so on.
 */
import { type DocumentNode, GraphQLError, getOperationAST } from 'graphql';
import type { Plugin } from 'graphql-yoga';
import { EngineError, isInherited } from '../../engine/index.ts';
import type { Context } from '../../resolvers/context.ts';
import { engineErrorExtensions } from '../../resolvers/errors.ts';

interface Given {
  readonly document: DocumentNode;
  readonly operationName?: string | null | undefined;
  readonly variableValues?: Readonly<Record<string, unknown>> | null | undefined;
  readonly contextValue: Pick<Context, 'types'>;
}

/**
 * Takes their prototype from all objects in the variables, where the schema has such a name; else nothing is looked at.
 * @throws EngineError BAD_USER_INPUT where a variable of such a name has no value: GraphQL would find one
 */
export function makeReadable({ document, operationName, variableValues, contextValue }: Given): void {
  for (const { variable, defaultValue } of getOperationAST(document, operationName)?.variableDefinitions ?? []) {
    const name = variable.name.value;
    if (!isInherited(name) || defaultValue !== undefined || Object.hasOwn(variableValues ?? {}, name)) continue;
    throw new EngineError('BAD_USER_INPUT', `the variable $${name} was not given`, {
      details: { variable: name },
      hint: 'A variable of this name cannot be left out: give it a value, for example null, or use another name.',
    });
  }
  if (variableValues != null && contextValue.types.hasInheritedNames) withoutPrototypes(variableValues);
}

/** Without recursion: how deep the values are is for others to judge. */
function withoutPrototypes(root: object): void {
  const open: object[] = [root];
  for (let at = open.pop(); at !== undefined; at = open.pop()) {
    if (!Array.isArray(at)) Object.setPrototypeOf(at, null);
    for (const value of Object.values(at)) if (typeof value === 'object' && value !== null) open.push(value);
  }
}

/** For operations that Yoga executes; subscriptions come through sharedSubscription. */
export function readableVariables(): Plugin {
  return {
    onExecute: ({ args, setResultAndStopExecution }) => {
      try {
        makeReadable(args as unknown as Given);
      } catch (error) {
        if (!(error instanceof EngineError)) throw error;
        setResultAndStopExecution({ errors: [new GraphQLError(error.message, { extensions: engineErrorExtensions(error) })] });
      }
    },
  };
}
