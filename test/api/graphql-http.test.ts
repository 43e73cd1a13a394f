import { type AuditResult, serverAudits } from 'graphql-http';
import { describe, expect, it } from 'vitest';
import { testServer } from '../support/server-support.ts';

/** SHOULDs that are not kept, each with its reason. */
const DEVIATIONS: Readonly<Record<string, string>> = {};

async function audit(): Promise<Map<string, AuditResult>> {
  const server = await testServer({ expectErrorLogs: true });
  const results = new Map<string, AuditResult>();
  for (const { id, fn } of serverAudits({ url: `${server.url}/graphql` })) results.set(id, await fn());
  return results;
}

const shown = (results: AuditResult[]): string[] =>
  results.map((result) => `${result.id} ${result.name}: ${'reason' in result ? result.reason : ''}`);

describe('the server speaks GraphQL over HTTP as its specification says', () => {
  it('every MUST of the audits is kept', async () => {
    const results = [...(await audit()).values()];
    expect(results.length).toBeGreaterThan(50);
    expect(shown(results.filter(({ status }) => status === 'error'))).toEqual([]);
  });

  it('every SHOULD is kept, but for those that are listed with a reason', async () => {
    const results = [...(await audit()).values()];
    const broken = results.filter(({ status }) => status === 'warn' || status === 'notice');
    expect(shown(broken.filter(({ id }) => !(id in DEVIATIONS)))).toEqual([]);
    expect(Object.keys(DEVIATIONS).filter((id) => !broken.some((result) => result.id === id))).toEqual([]);
  });
});
