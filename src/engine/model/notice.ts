/** What an operator should know and no request fails for. */
export interface EngineNotice {
  readonly level: 'info' | 'warn';
  readonly message: string;
  readonly details: Readonly<Record<string, unknown>>;
}
