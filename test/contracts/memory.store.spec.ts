import { MemoryStore } from '../../lib/storage/memory.store.js';
import { describeKeyValueStoreContract } from './key-value-store.contract.js';

describeKeyValueStoreContract('MemoryStore', async ({ clock }) => new MemoryStore({ clock }));
