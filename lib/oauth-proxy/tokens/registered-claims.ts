/** The claims that come from nowhere but the server: they say what a token is worth. */
export const registeredClaims: readonly string[] =
  'iss sub aud exp nbf iat jti client_id scope sid'.split(' ');
