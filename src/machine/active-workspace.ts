/**
 * A workspace version made ready for one partition: programs compiled, names interned, everything that the steps ask
 * per event laid out by index. Built whole before anything of it takes effect, and replaced whole when the next version
 * is activated.
 */
import { createProfileFrame, type ProfileFrame } from '../protocol/frame.ts';
import type { EventSchema } from '../protocol/schema.ts';
import { allReads, type EventReads, readsOf } from '../rules/event-reads.ts';
import type { Program } from '../rules/program.ts';
import { RuleSet } from '../rules/rule-set.ts';
import { ScalarProgram } from '../rules/scalar-program.ts';
import { SegmentSet } from '../rules/segment-set.ts';
import type { PartitionState } from '../state/partition-state.ts';
import { MessageTemplates } from '../workspace/message-templates.ts';
import type { Aggregate, Campaign, Workspace } from '../workspace/workspace.ts';
import { Zones } from '../workspace/zones.ts';
import type { Accounting } from './accounting.ts';
import { type ActiveCampaign, activateCampaign } from './active-campaign.ts';
import { campaignReads, readersByType } from './campaign-reads.ts';
import { ContactRules } from './decide/contact-rules.ts';
import { type KeptFields, keptFields, rememberedFields } from './time/kept-fields.ts';

/**
 * What a sum or an average takes: 2^53 observations of this magnitude, with all their rounding, add up to less than the
 * greatest double, so that no sum overflows, whatever the order, the window and the number of its buckets.
 */
const SUMMAND_MAX = 1e290;

/** An aggregate that one event type feeds. */
export interface ActiveAggregate {
  readonly slot: number;
  readonly name: string;
  readonly value: ScalarProgram | null;
  /** Of the field where `value` is just a number of the event; -1 otherwise. */
  readonly valueSlot: number;
  readonly when: ScalarProgram | null;
  /** Its value is a string. */
  readonly isText: boolean;
  /** Its value is a string that is kept (first, last) and so takes room in the dictionary. */
  readonly keepsText: boolean;
  /** Observations of a greater magnitude are errors. */
  readonly magnitudeMax: number;
}

/** Who listens for events of one type, of the live campaigns or of those in shadow. */
export interface Listeners {
  /** Their predicates; null where there is none. */
  readonly rules: RuleSet | null;
  /** By index of the rule. */
  readonly campaigns: readonly ActiveCampaign[];
  /** Room for the rules that match. */
  readonly hits: Int32Array;
  /** One of the campaigns has a wait or a sequence. */
  readonly takesTime: boolean;
  /** What of such an event sequences may look back at; null: it is not remembered. */
  readonly remembered: KeptFields | null;
  /** Dictionary code of the type's name where it is remembered; -1 otherwise. */
  readonly typeCode: number;
}

/** What an event of one declared type sets in motion. The listeners are the live campaigns. */
export interface ActiveEvent extends Listeners {
  readonly schema: EventSchema;
  readonly aggregates: readonly ActiveAggregate[];
  /** How many of them keep their values in blocks. */
  readonly blockStores: number;
  /** What of the event's texts anything reads. */
  readonly reads: EventReads;
  /** A message of one of its campaigns may read every field. */
  readonly readsAll: boolean;
  /** Apart from the live ones, so that their rules cost and count the same with them and without. null: none listens, or looks back at such events. */
  readonly shadow: Listeners | null;
}

/** The partition's dictionary has no room for the names and constants of a version. */
export class DictionaryFullError extends Error {}

export class ActiveWorkspace {
  readonly workspace: Workspace;
  readonly segments: SegmentSet;
  readonly zones: Zones;
  readonly templates: MessageTemplates;
  /** By template index: every slot of the profile that rendering may read, through segments too. */
  readonly templateSlots: readonly Int32Array[];
  readonly profile: ProfileFrame;
  readonly events: readonly ActiveEvent[];
  /** By campaign index; campaigns that are not live too. */
  readonly campaigns: readonly ActiveCampaign[];
  /** By channel index. */
  readonly channelCodes: Int32Array;
  readonly quietChannel: Uint8Array;
  /** For live campaigns, and for those in shadow beside them. */
  readonly contactRules: ContactRules;
  readonly shadowContactRules: ContactRules;
  /** Some campaign is in shadow. */
  readonly hasShadow: boolean;
  readonly campaignOfCode: ReadonlyMap<number, number>;
  readonly offerOfCode: ReadonlyMap<number, number>;
  readonly channelOfCode: ReadonlyMap<number, number>;
  readonly channelIndex: ReadonlyMap<string, number>;
  readonly attributeIndex: ReadonlyMap<string, number>;

  /**
   * Throws on a workspace that the control plane should not have let through, and DictionaryFullError; `state` has then
   * gained dictionary entries at most.
   */
  constructor(workspace: Workspace, state: PartitionState, accounting: Accounting) {
    const { schema, channels, offers, policy } = workspace;
    const intern = (text: string): number => {
      const code = state.intern(text);
      if (code < 0) throw new DictionaryFullError(`no room in the dictionary for ${JSON.stringify(text)}`);
      return code;
    };
    this.workspace = workspace;
    this.segments = new SegmentSet(
      workspace.segments.map((segment) => segment.when),
      schema,
    );
    this.zones = new Zones(workspace.zones);
    this.templates = new MessageTemplates(workspace);
    this.templateSlots = workspace.templates.map(({ profileSlots, segments }) => {
      const reached = segments.flatMap((index) => this.segments.profileSlots[index] ?? []);
      return Int32Array.from(new Set([...profileSlots, ...reached]));
    });
    this.profile = createProfileFrame(schema);
    const offerCodes = offers.map((offer) => intern(offer.id));
    this.channelCodes = Int32Array.from(channels, intern);
    this.campaigns = workspace.campaigns.map((campaign) =>
      activateCampaign(campaign, workspace, this.segments, intern, accounting),
    );
    const asked = workspace.campaigns.filter(({ status }) => status === 'live' || status === 'shadow');
    const readers = readersByType(asked, schema);
    this.hasShadow = asked.some(({ status }) => status === 'shadow');
    this.events = schema.events.map((event) => this.#event(event, readers[event.index] ?? [], intern));
    this.quietChannel = Uint8Array.from(channels, (_, channel) =>
      policy.quietHours?.channels.includes(channel) === true ? 1 : 0,
    );
    const { campaigns } = workspace;
    const others = campaigns.filter(({ status }) => status !== 'shadow');
    this.contactRules = new ContactRules(workspace, others, intern);
    this.shadowContactRules = new ContactRules(workspace, campaigns, intern);
    this.campaignOfCode = new Map(this.campaigns.map((campaign) => [campaign.campaignCode, campaign.index]));
    this.offerOfCode = new Map(offerCodes.map((code, index) => [code, index]));
    this.channelOfCode = new Map(channels.map((_, index) => [this.channelCodes[index] as number, index]));
    this.channelIndex = new Map(channels.map((name, index) => [name, index]));
    this.attributeIndex = new Map(workspace.attributes.map((attribute, index) => [attribute.name, index]));
  }

  #event(event: EventSchema, readers: readonly Campaign[], intern: (text: string) => number): ActiveEvent {
    const { aggregates, schema } = this.workspace;
    const live = this.#listeners(event, 'live', intern);
    const shadow = this.#listeners(event, 'shadow', intern);
    const listening = [...live.campaigns, ...shadow.campaigns];
    const fed = aggregates.filter((aggregate) => aggregate.event === event.index);
    return {
      ...live,
      schema: event,
      aggregates: fed.map(activateAggregate),
      blockStores: fed.filter(({ windowMs, fn }) => windowMs !== null || fn === 'distinct').length,
      reads: allReads([
        readsOf(fed.flatMap(({ value, when }) => [value, when]).filter((program) => program !== null)),
        ...readers.map((campaign) => campaignReads(campaign, event, schema)),
        ...listening.map(({ campaign }) => keptFields(this.workspace, campaign)),
        ...[live.remembered, shadow.remembered].filter((kept) => kept !== null),
      ]),
      readsAll: listening.some((active) => this.#messageReadsEvent(active)),
      shadow: shadow.rules === null && shadow.remembered === null ? null : shadow,
    };
  }

  #listeners(event: EventSchema, status: 'live' | 'shadow', intern: (text: string) => number): Listeners {
    const campaigns = this.campaigns.filter(
      ({ campaign }) => campaign.event === event.index && campaign.status === status,
    );
    const programs = campaigns.map(({ campaign }) => campaign.when);
    const remembered = rememberedFields(this.workspace, event.index, status);
    return {
      rules: campaigns.length === 0 ? null : new RuleSet(programs, this.segments, intern),
      campaigns,
      hits: new Int32Array(campaigns.length),
      takesTime: campaigns.some(({ campaign }) => campaign.wait !== null || campaign.after !== null),
      remembered,
      typeCode: remembered === null ? -1 : intern(event.type),
    };
  }

  #messageReadsEvent({ campaign }: ActiveCampaign): boolean {
    const { templates } = this.workspace;
    return [campaign.template, ...campaign.variants.map(({ template }) => template)].some(
      (template) => template >= 0 && templates[template]?.readsEvent === true,
    );
  }
}

export function activateAggregate(aggregate: Aggregate): ActiveAggregate {
  return {
    slot: aggregate.slot,
    name: aggregate.name,
    value: aggregate.value === null ? null : new ScalarProgram(aggregate.value, null),
    valueSlot: aggregate.value === null ? -1 : numberSlot(aggregate.value),
    when: aggregate.when === null ? null : new ScalarProgram(aggregate.when, null),
    isText: aggregate.valueType === 'string',
    keepsText: aggregate.valueType === 'string' && (aggregate.fn === 'first' || aggregate.fn === 'last'),
    magnitudeMax: aggregate.fn === 'sum' || aggregate.fn === 'avg' ? SUMMAND_MAX : Number.MAX_VALUE,
  };
}

/** The slot of a program that only reads a number of the event; -1 for others. */
function numberSlot({ ir }: Program): number {
  return ir.op === 'slot' && ir.from === 'event' && ir.rep !== 'string' ? ir.slot : -1;
}
