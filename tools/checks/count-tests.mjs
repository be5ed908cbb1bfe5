/** Prints how many tests of a vitest report passed and failed; on standard error, which tests failed and why. */
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
  console.error(`FAILED  The report of the tests cannot be read: ${error.message}`);
  console.log(0, 1);
}
