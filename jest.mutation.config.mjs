import base from './jest.config.mjs';
import { target } from './stryker.config.mjs';

process.env.TEST_PLATFORM = 'express';

/** The specs that judge the target of a mutation test, without a report of their own. */
export default {
  ...base,
  testMatch: target.specs.map((specs) => `<rootDir>/${specs}`),
  maxWorkers: 1,
  testTimeout: 10_000,
  setupFilesAfterEnv: ['<rootDir>/jest.mutation.setup.cjs'],
  testSequencer: '<rootDir>/jest.mutation.sequencer.cjs',
  reporters: undefined,
};
