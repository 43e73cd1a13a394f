/** Typed documents for tests and examples, from schema.graphql. Run by npm run codegen. */
import type { CodegenConfig } from '@graphql-codegen/cli';
import { scalars } from './src/codegen.ts';

const generated = (folder: string): NonNullable<CodegenConfig['generates'][string]> => ({
  documents: [`${folder}/**/*.ts`, '!**/generated/**'],
  preset: 'client',
  presetConfig: { fragmentMasking: false },
  config: { scalars, useTypeImports: true, strictScalars: true, enumsAsTypes: true },
});

const config: CodegenConfig = {
  schema: './schema.graphql',
  ignoreNoDocuments: true,
  importExtension: '.ts',
  generates: { './test/generated/': generated('test'), './examples/generated/': generated('examples') },
};

export default config;
