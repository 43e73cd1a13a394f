/** A line a test file as it ends, with what failed; errors in full at the end. */
import { relative } from 'node:path';
import { DefaultReporter } from 'vitest/node';

export default class LineReporter extends DefaultReporter {
  onTestModuleEnd(testModule) {
    const counts = { passed: 0, failed: 0, skipped: 0 };
    const failed = [];
    for (const test of testModule.children.allTests()) {
      const { state } = test.result();
      counts[state] = (counts[state] ?? 0) + 1;
      if (state === 'failed') failed.push(test.fullName);
    }
    const seconds = (testModule.diagnostic().duration / 1000).toFixed(1);
    const skipped = counts.skipped > 0 ? `, ${counts.skipped} skipped` : '';
    const outcome = testModule.ok() ? 'ok  ' : 'FAIL';
    const file = relative(process.cwd(), testModule.moduleId);
    process.stdout.write(`${outcome} ${file}  ${counts.passed} passed, ${counts.failed} failed${skipped}  ${seconds} s\n`);
    for (const name of failed) process.stdout.write(`     x ${name}\n`);
  }
  onTestCaseResult() {}
  onTestSuiteResult() {}
}
