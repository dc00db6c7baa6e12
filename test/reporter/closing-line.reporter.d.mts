export interface TestCounts {
  readonly numPassedTests: number;
  readonly numFailedTests: number;
  readonly numRuntimeErrorTestSuites: number;
  readonly numPendingTests: number;
  readonly numTodoTests: number;
}

export function closingLine(results: TestCounts): string;

export interface TestFile {
  readonly testResults: readonly {
    readonly ancestorTitles: readonly string[];
    readonly status: string;
  }[];
}

export function missingLine(files: readonly TestFile[]): string;
