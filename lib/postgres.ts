export type {
  PostgresPool,
  PostgresPoolClient,
  PostgresStoreOptions,
  PostgresTableOptions,
} from './storage/postgres-store-options.js';
export { PostgresStore } from './storage/postgres.store.js';
