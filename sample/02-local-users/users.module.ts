import { Module } from '@nestjs/common';
import { AppLogin } from './app-login.js';
import { SessionsService } from './sessions.service.js';
import { UsersService } from './users.service.js';

@Module({
  providers: [AppLogin, SessionsService, UsersService],
  exports: [AppLogin, SessionsService, UsersService],
})
export class UsersModule {}
