/**
 * Text as nodes by patterns: `kinds` is a list of [global pattern, make(match)], the earliest match wins, what lies between
 * goes through `plain`. Each pattern is searched on from where it last matched, so long hostile lines stay cheap.
 */
export function tokenize(text, kinds, plain = (words) => words) {
  const nodes = [];
  const next = kinds.map(() => undefined);
  let position = 0;
  const find = (index) => {
    // A pattern of its own: makers come back here for what is inside their match.
    const pattern = new RegExp(kinds[index][0]);
    pattern.lastIndex = position;
    return pattern.exec(text);
  };
  for (;;) {
    let best = -1;
    for (let index = 0; index < kinds.length; index += 1) {
      if (next[index] === undefined || (next[index] && next[index].index < position)) next[index] = find(index);
      if (next[index] && (best < 0 || next[index].index < next[best].index)) best = index;
    }
    if (best < 0) break;
    const match = next[best];
    if (match.index > position) nodes.push(plain(text.slice(position, match.index)));
    nodes.push(kinds[best][1](match));
    position = match.index + match[0].length;
  }
  if (position < text.length) nodes.push(plain(text.slice(position)));
  return nodes;
}
