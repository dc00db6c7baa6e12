import { Module } from '@nestjs/common';
import { BootChecks } from './boot-checks.explorer.js';
import { PublishedPaths } from './published-paths.js';

/** What all the modules of one app share. Nest makes it once, however many modules import it. */
@Module({
  providers: [{ provide: PublishedPaths, useFactory: () => new PublishedPaths() }, BootChecks],
  exports: [PublishedPaths, BootChecks],
})
export class MultiAuthSharedModule {}
