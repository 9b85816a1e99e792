/** Holdouts and variants are drawn for each customer by a hash of the id, in tests as in production. So a test must pick its customers; this tells who would do. */
import { chooseVariant } from '../machine/decide/decision-maker.ts';
import { share } from '../machine/decide/policy.ts';
import type { Campaign, Workspace } from '../workspace/workspace.ts';

/** Names tried; with a holdout of 99 % the chance that none will do is 4 %. */
const NAMES_TRIED = 320;

/** Beside what explanations say of the draw: who is not held out of a campaign. null: nobody was found. */
export function notHeldOutInstead(campaign: Campaign, customer: string, workspace: Workspace): string | null {
  const other = anotherCustomer(customer, (name) => heldOut(campaign, name, workspace) === null);
  return other === null ? null : `not held out of ${campaign.id}: customer ${other}`;
}

/** Why a customer is not held out of a campaign, and who is. */
export function notHeldOutWords(campaign: Campaign, customer: string, workspace: Workspace): string {
  const own = campaign.holdout;
  if (own === 0 && globalShare(campaign, workspace) === 0) return `nobody is held out of ${campaign.id}`;
  const salt = own > 0 ? campaign.id : '';
  const u = rounded(share('holdout', salt, customer));
  const other = anotherCustomer(customer, (name) => heldOut(campaign, name, workspace) !== null);
  const remedy = other === null ? '' : `; ${other} is`;
  const of = salt === '' ? 'of policy.yaml' : `of ${campaign.id}`;
  const limit = percent(own > 0 ? own : globalShare(campaign, workspace));
  return `${customer} is not in the holdout ${of}: u ${u} is not below ${limit}${remedy}`;
}

/** Which variant this customer draws, and who draws the one that was expected. */
export function variantWords(campaign: Campaign, customer: string, expected: string, workspace: Workspace): string {
  const drawnBy = (name: string): string | undefined => chooseVariant({ id: campaign.id, campaign }, name)?.name;
  const total = campaign.variants.reduce((sum, { weight }) => sum + weight, 0);
  const shares = campaign.variants.map(({ name, weight }) => `${name} ${percent(total === 0 ? 0 : weight / total)}`);
  const u = rounded(share('variant', campaign.id, customer));
  const other = anotherCustomer(
    customer,
    (name) => drawnBy(name) === expected && heldOut(campaign, name, workspace) === null,
  );
  const remedy = other === null ? '' : `; ${other} draws ${expected}`;
  return `${customer} draws ${drawnBy(customer)}: u ${u} of ${shares.join(', ')}${remedy}`;
}

/** The holdout that takes the customer: `salt` is the campaign that it is drawn for, '' for all. */
function heldOut(
  campaign: Campaign,
  customer: string,
  { policy }: Workspace,
): { salt: string; holdout: number } | null {
  const { share: all, categories } = policy.holdout;
  const applies = categories === null || (campaign.category !== null && categories.includes(campaign.category));
  if (applies && share('holdout', '', customer) < all) return { salt: '', holdout: all };
  if (share('holdout', campaign.id, customer) < campaign.holdout)
    return { salt: campaign.id, holdout: campaign.holdout };
  return null;
}

/** Of policy.yaml's holdout, what holds for this campaign. */
function globalShare({ category }: Campaign, { policy }: Workspace): number {
  const { share: all, categories } = policy.holdout;
  return categories === null || (category !== null && categories.includes(category)) ? all : 0;
}

/** `ann-2`, `ann-3` …: the first that will do. */
function anotherCustomer(customer: string, willDo: (name: string) => boolean): string | null {
  for (let i = 2; i < NAMES_TRIED; i++) {
    const name = `${customer}-${i}`;
    if (willDo(name)) return name;
  }
  return null;
}

function rounded(u: number): string {
  return u.toFixed(4);
}

function percent(value: number): string {
  return `${Number((value * 100).toFixed(4))} %`;
}
