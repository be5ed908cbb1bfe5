/** Prints how many tests of a report of vitest's passed and failed; and on standard error, which failed and why. */
import { readFileSync } from "node:fs";

const [, , path] = process.argv;
try {
  const { numPassedTests, numFailedTests, numFailedTestSuites, testResults } = JSON.parse(readFileSync(path, "utf8"));
  for (const { name, message, assertionResults } of testResults) {
    const failed = assertionResults.filter(({ status }) => status === "failed");
    for (const { fullName, failureMessages } of failed) {
      console.error(`FAILED  ${name}: ${fullName}\n        ${failureMessages.join("\n").slice(0, 500)}`);
    }
    if (failed.length === 0 && message) console.error(`FAILED  ${name}: ${message}`);
  }
  console.log(numPassedTests, Math.max(numFailedTests, numFailedTestSuites > 0 ? 1 : 0));
} catch (error) {
  console.error(`FAILED  There is no report of the tests: ${error.message}`);
  console.log(0, 1);
}
