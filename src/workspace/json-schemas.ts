/**
 * The JSON Schemas that editors complete and check a workspace with: generated from the definitions that validate, so that the two cannot differ. The files under schemas/ are
 * written by write-json-schemas.ts; a test holds them up to date. In draft 7, which every YAML editor knows.
 */
import { z } from 'zod';
import {
  campaignDefinition,
  eventsDefinition,
  modelsDefinition,
  offersDefinition,
  policyDefinition,
  profileDefinition,
  templateDefinition,
  workspaceDefinition,
} from './definitions.ts';
import { trialsDefinition } from './trial-definition.ts';

const DEFINITIONS = {
  workspace: workspaceDefinition,
  profile: profileDefinition,
  events: eventsDefinition,
  offers: offersDefinition,
  policy: policyDefinition,
  models: modelsDefinition,
  campaign: campaignDefinition,
  template: templateDefinition,
  test: trialsDefinition,
} as const;

/** File name (`campaign.schema.json`) → its text. */
export function jsonSchemas(): Record<string, string> {
  const files: Record<string, string> = {};
  for (const [name, definition] of Object.entries(DEFINITIONS)) {
    const schema = z.toJSONSchema(definition, { io: 'input', target: 'draft-7' });
    files[`${name}.schema.json`] = `${JSON.stringify(schema, null, 2)}\n`;
  }
  return files;
}
