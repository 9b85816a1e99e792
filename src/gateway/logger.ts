/** What the gateway needs of a logger; pino's has it. Never given customer data. */
export interface GatewayLogger {
  error(fields: Readonly<Record<string, unknown>>, message: string): void;
  warn(fields: Readonly<Record<string, unknown>>, message: string): void;
}
