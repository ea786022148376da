/**
 * Measures everyone once a turn (A B A B …), so that a machine that drifts hits all alike.
 *
 * @template C, S
 * @param {readonly C[]} contestants
 * @param {number} turns
 * @param {(contestant: C, turn: number) => Promise<S>} measure
 * @returns {Promise<Map<C, S[]>>} The samples of each, by turn.
 */
export async function takeTurns(contestants, turns, measure) {
  /** @type {Map<C, S[]>} */
  const samples = new Map(contestants.map((contestant) => [contestant, []]));
  for (let turn = 0; turn < turns; turn += 1) {
    for (const [contestant, own] of samples) own.push(await measure(contestant, turn));
  }
  return samples;
}
