import { Body, Controller, Get, Post, Query, Req, Res } from '@nestjs/common';
import type { Request, Response } from 'express';
import { MultiAuthService } from 'nestjs-mcp-multi-auth';
import { loginPage } from './login-page.js';
import { SessionsService } from './sessions.service.js';
import { UsersService } from './users.service.js';

interface LoginForm {
  readonly login?: unknown;
  readonly password?: unknown;
  readonly csrf?: unknown;
  readonly return_to?: unknown;
}

@Controller('login')
export class LoginController {
  constructor(
    private readonly auth: MultiAuthService,
    private readonly sessions: SessionsService,
    private readonly users: UsersService,
  ) {}

  @Get()
  show(
    @Query('return_to') returnTo: unknown,
    @Req() request: Request,
    @Res() response: Response,
  ): void {
    this.#show(request, response, { returnTo });
  }

  @Post()
  async logIn(
    @Body() form: LoginForm = {},
    @Req() request: Request,
    @Res() response: Response,
  ): Promise<void> {
    const { login, password, csrf, return_to: returnTo } = form;
    // Only the page of this very browser has the token: no other site can log the user in as somebody else.
    const isOurs = typeof csrf === 'string' && csrf === this.sessions.of(request)?.csrf;
    const user =
      isOurs && typeof login === 'string' && typeof password === 'string'
        ? await this.users.authenticate(login, password)
        : undefined;
    if (!user) {
      response.status(401);
      this.#show(request, response, { returnTo, login });
      return;
    }
    this.sessions.begin(request, response, user.id);
    // Back to the consent page, and to nowhere that a link to this page may name instead.
    response.redirect(303, this.auth.loginReturnUrl(returnTo) ?? '/login');
  }

  #show(
    request: Request,
    response: Response,
    { returnTo, login }: { readonly returnTo: unknown; readonly login?: unknown },
  ): void {
    const session = this.sessions.of(request) ?? this.sessions.begin(request, response);
    const page = loginPage({
      csrf: session.csrf,
      returnTo: this.auth.loginReturnUrl(returnTo),
      user: session.userId === undefined ? undefined : this.users.find(session.userId)?.name,
      failed: typeof login === 'string' ? login : undefined,
    });
    response
      .set({ 'cache-control': 'no-store', 'content-security-policy': page.policy })
      .type('html')
      .send(page.html);
  }
}
