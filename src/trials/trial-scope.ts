/** What the tests of a workspace may name, and the clock they are told by. */
import type { EventSchema } from '../protocol/schema.ts';
import { Names } from '../workspace/references.ts';
import type { Campaign, Workspace } from '../workspace/workspace.ts';
import { Zones } from '../workspace/zones.ts';
import { TrialClock } from './trial-time.ts';

/** Of the engine's own types those that the machine takes. */
export const ENGINE_TYPES = ['$profile', '$consent', '$feedback'] as const;

export class TrialScope {
  readonly workspace: Workspace;
  readonly zones: Zones;
  readonly clock: TrialClock;
  readonly campaigns: Names;
  readonly channels: Names;
  readonly eventTypes: Names;
  readonly #campaigns: ReadonlyMap<string, Campaign>;
  readonly #events: ReadonlyMap<string, EventSchema>;

  constructor(workspace: Workspace) {
    this.workspace = workspace;
    this.zones = new Zones(workspace.zones);
    this.clock = new TrialClock(this.zones, workspace.timezone);
    const { campaigns, channels, schema, feedbackEvent } = workspace;
    const declared = schema.events.filter(({ index }) => index !== feedbackEvent);
    this.campaigns = new Names('campaign', 'campaigns/', true, ids(campaigns));
    this.channels = new Names('channel', 'workspace.yaml', true, channels);
    this.eventTypes = new Names(
      'event type',
      'events.yaml',
      true,
      declared.map(({ type }) => type),
      ENGINE_TYPES,
    );
    this.#campaigns = new Map(campaigns.map((campaign) => [campaign.id, campaign]));
    this.#events = new Map(declared.map((event) => [event.type, event]));
  }

  campaign(id: string): Campaign | undefined {
    return this.#campaigns.get(id);
  }

  /** Ids of all campaigns but those in shadow; `live`: which are taken as live. */
  production(live: readonly string[]): string[] {
    const { campaigns } = this.workspace;
    return ids(campaigns.filter(({ id, status }) => status !== 'shadow' || live.includes(id)));
  }

  /** undefined: it is no declared type. */
  event(type: string): EventSchema | undefined {
    return this.#events.get(type);
  }

  /** What a campaign listens for; null: a schedule. */
  eventTypeOf({ event }: Campaign): string | null {
    return event < 0 ? null : (this.workspace.schema.events[event] as EventSchema).type;
  }
}

function ids(all: readonly { readonly id: string }[]): string[] {
  return all.map(({ id }) => id);
}
