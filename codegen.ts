/** Typed documents for tests and examples, from the schema of each. Run by npm run codegen. */
import type { CodegenConfig } from '@graphql-codegen/cli';
import { scalars } from './src/codegen.ts';

const generated = (folder: string, schema: string): NonNullable<CodegenConfig['generates'][string]> => ({
  schema,
  documents: [`${folder}/**/*.ts`, '!**/generated/**'],
  preset: 'client',
  presetConfig: { fragmentMasking: false },
  config: { scalars, useTypeImports: true, strictScalars: true, enumsAsTypes: true },
});

const config: CodegenConfig = {
  ignoreNoDocuments: true,
  importExtension: '.ts',
  generates: {
    './test/generated/': generated('test', './schema.graphql'),
    './examples/generated/': generated('examples', './examples/generated/schema.graphql'),
  },
};

export default config;
