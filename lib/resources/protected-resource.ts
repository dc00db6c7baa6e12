/** One protected MCP endpoint. */
export interface ProtectedResource {
  /** The name used in `@McpAuth({ resource })`; `default` for the only one. */
  readonly name: string;
  /** The identifier published as `resource` and demanded as `aud` (RFC 9728 §1.2, RFC 8707). */
  readonly identifier: string;
  /** The scopes every request to it needs. */
  readonly requiredScopes: readonly string[];
  /** A name for people, shown on the consent page (RFC 9728 `resource_name`). */
  readonly displayName: string | undefined;
  /** RFC 9728 `resource_documentation`. */
  readonly documentation: string | undefined;
}
