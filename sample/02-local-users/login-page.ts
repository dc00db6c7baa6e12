export interface LoginPage {
  readonly csrf: string;
  readonly returnTo: string | undefined;
  /** Who is logged in already. */
  readonly user: string | undefined;
  /** The login that did not work. */
  readonly failed: string | undefined;
}

/** The page, and the policy without which another site could frame it. */
export function loginPage({ csrf, returnTo, user, failed }: LoginPage): {
  readonly html: string;
  readonly policy: string;
} {
  const html = `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Log in to your notes</title>
<h1>Log in to your notes</h1>
${user === undefined ? '' : `<p>You are ${escape(user)}. Log in as somebody else:</p>`}
${failed === undefined ? '' : '<p role="alert">That did not work. Try again, or wait a minute.</p>'}
<form method="post" action="/login">
<input type="hidden" name="csrf" value="${escape(csrf)}">
${returnTo === undefined ? '' : `<input type="hidden" name="return_to" value="${escape(returnTo)}">`}
<p><label>Name <input name="login" autocomplete="username" value="${escape(failed ?? '')}" required></label>
<p><label>Password <input name="password" type="password" autocomplete="current-password" required></label>
<p><button>Log in</button>
</form>
</html>
`;
  return { html, policy: "default-src 'none'; base-uri 'none'; frame-ancestors 'none'" };
}

function escape(text: string): string {
  return text.replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`);
}
