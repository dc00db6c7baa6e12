export default {
  testEnvironment: 'node',
  roots: ['<rootDir>/lib', '<rootDir>/test'],
  testMatch: ['**/*.spec.ts'],
  extensionsToTreatAsEsm: ['.ts'],
  resolver: '<rootDir>/jest.resolver.cjs',
  moduleNameMapper: {
    '^nestjs-mcp-multi-auth$': '<rootDir>/lib/index.ts',
    '^nestjs-mcp-multi-auth/([a-z]+)$': '<rootDir>/lib/$1.ts',
  },
  transform: {
    '^.+\\.ts$': [
      '@swc/jest',
      {
        jsc: {
          target: 'es2022',
          parser: { syntax: 'typescript', decorators: true },
          transform: {
            legacyDecorator: true,
            decoratorMetadata: true,
            useDefineForClassFields: false,
          },
          keepClassNames: true,
        },
        module: { type: 'es6' },
        sourceMaps: 'inline',
      },
    ],
  },
  // No test may leave the machine.
  setupFiles: ['<rootDir>/test/support/loopback-only.ts'],
  // The default leaves a core idle, which is half of a machine with two.
  maxWorkers: '100%',
  // Modules of the specs that a worker has run stay in its memory.
  workerIdleMemoryLimit: '1.5GB',
  testTimeout: 30_000,
  reporters: ['default', '<rootDir>/test/reporter/closing-line.reporter.mjs'],
  collectCoverageFrom: ['lib/**/*.ts', '!lib/index.ts', '!lib/**/*.spec.ts'],
  coverageProvider: 'v8',
};
