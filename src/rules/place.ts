/** Places that rules compare with constants: a field of the event or of the profile, or a field of the elements of one of the event's lists. */
export type Place =
  | { readonly kind: 'field' | 'profile'; readonly slot: number; readonly text: boolean }
  /** A list of scalars has column 0 only. */
  | { readonly kind: 'column'; readonly list: number; readonly column: number; readonly text: boolean };

export function placeKey(place: Place): string {
  return place.kind === 'column' ? `column ${place.list} ${place.column}` : `${place.kind} ${place.slot}`;
}
