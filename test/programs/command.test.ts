import assert from 'node:assert/strict';
import { test } from 'node:test';
import { cleanEnvironment, commandOf } from '../../src/programs/index.ts';

test('a command is split into words as a shell would, with its quotes', () => {
  const cases: [string, string[]][] = [
    ['tail -F access.log', ['tail', '-F', 'access.log']],
    ["  php\tworker.php  'two words' ", ['php', 'worker.php', 'two words']],
    ['a "b \\"c\\" \\\\ \\n" \'d"e\'f\\ g', ['a', 'b "c" \\ \\n', 'd"ef g']],
    ['echo \'\' ""', ['echo', '', '']],
    ['sh -c \'tail -F *.log | grep "$USER"\'', ['sh', '-c', 'tail -F *.log | grep "$USER"']],
    ['a \\$x "\\$y" --b=c~d#e', ['a', '$x', '$y', '--b=c~d#e']],
  ];
  for (const [text, words] of cases) assert.deepEqual(commandOf(text), words, text);
});

test('a list of words is taken as it is', () => {
  assert.deepEqual(commandOf(['sh', '-c', 'echo $HOME | cat']), ['sh', '-c', 'echo $HOME | cat']);
});

test('what only a shell knows is refused, with the way to ask for one', () => {
  for (const text of [
    'a | b',
    'a > b',
    'a && b',
    'a; b',
    'a $HOME',
    'a "$HOME"',
    'a `b`',
    'a *.log',
    'a ~/b',
    '(a)',
    'a # b',
  ])
    assert.throws(
      () => commandOf(text),
      { code: 'BAD_OPTION', message: /only a shell knows; .*\['sh', '-c', '…'\]/ },
      text,
    );
});

test('a command without a program, with an open quote or with a NUL is refused', () => {
  for (const command of ['', '  ', [], [''], "''"]) assert.throws(() => commandOf(command), /names no program/);
  for (const text of ["a 'b", 'a "b', 'a \\']) assert.throws(() => commandOf(text), /a quote without its end/, text);
  assert.throws(() => commandOf(['a', 'b\0c']), /has a NUL character/);
});

test('names and values of an environment have no newlines and no NUL, and a later layer wins', () => {
  const clean = cleanEnvironment(
    { A: '1', B: '2', C: undefined },
    { B: 'x\r\nHTTP_EVIL=1\0y', 'D\nE=F': ' 4 ', '': '5' },
  );
  assert.deepEqual(clean, { A: '1', B: 'x HTTP_EVIL=1 y', D_E_F: '4' });
});
