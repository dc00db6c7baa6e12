import base from './jest.config.mjs';
import { target } from './stryker.config.mjs';

/** The specs that judge the target of a mutation test, without a report of their own. */
export default {
  ...base,
  testMatch: target.specs.map((specs) => `<rootDir>/${specs}`),
  maxWorkers: 1,
  reporters: undefined,
};
