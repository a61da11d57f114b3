// What the engine has to reach: how many times faster than a warm yjs in the same run (ours on the processor, yjs on the wall), and
// how much memory a process may take.
export const timesYjs = {
  W1: 50,
  W1b: 150,
  W2v1: 8,
  W3v1: 10,
  W3v2: 8,
  W4: 30,
  W5b: 35,
  W6ff: 15,
  W6cs: 15,
  W6nn: 14,
  W6gm: 14,
  W6c20: 20,
  W6b34: 20,
  'W7a-set': 20,
  'W7a-load': 15,
  'W7b-load': 10,
  W8: 10
}

export const mostKbAfterLoading = 5000 // W3v1: 5 MB.
export const mostTimesLoading = 2 // W4 beside W3v1.

export const titles = {
  W1: 'type 259,778 edits, observed',
  W1b: 'the same, not observed',
  W2v1: 'encode that text, v1',
  W2v2: 'encode that text, v2',
  W3v1: 'load it, v1',
  W3v2: 'load it, v2',
  W4: 'apply its updates one by one',
  W5b: 'merge them without a document',
  W5c: 'diff what was merged',
  W5d: 'merge two halves',
  W6ff: 'two authors at once',
  W6cs: 'three authors at once',
  W6nn: 'branches',
  W6gm: 'many branches',
  W6b31: '1,540 clients, one map key',
  W6b34: '1,540 clients, one array place',
  W6b35: '1,540 clients, one text place',
  W6c20: '20 clients, text and map',
  'W7a-set': 'set 10,000 records',
  'W7a-enc': 'encode them',
  'W7a-load': 'load them',
  'W7b-set': 'set 10,000 again',
  'W7b-enc': 'encode them',
  'W7b-load': 'load them',
  W8: 'encode what half of the text lacks'
}
