/** What operators and orchestrators ask: /metrics, /healthz, /readyz. */
import type { Engine } from './engine.ts';
import { unavailable } from './problem.ts';
import type { Route } from './router.ts';

export function operationsRoutes(engine: Engine, isDraining: () => boolean, retryAfterSeconds: number): Route[] {
  return [
    {
      pattern: '/metrics',
      methods: {
        get: {
          takesBody: false,
          run: async (exchange) => exchange.answer({ status: 200, ...(await engine.metrics()) }),
        },
      },
    },
    {
      pattern: '/healthz',
      methods: { get: { takesBody: false, run: (exchange) => exchange.json(200, { status: 'alive' }) } },
    },
    {
      pattern: '/readyz',
      methods: {
        get: {
          takesBody: false,
          run: (exchange) => {
            const { ready, detail } = isDraining() ? { ready: false, detail: 'shutting down' } : engine.readiness();
            if (ready) exchange.json(200, { status: 'ready' });
            else exchange.problem(unavailable(detail, retryAfterSeconds));
          },
        },
      },
    },
  ];
}
