import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { decodeFromClient, decodeFromServer, JsonText, LIMITS, memberText, scan } from '../../src/protocol/index.ts';
import { jsonText, squeezed, stringText } from '../support/json-texts.ts';

const spaced = fc.tuple(fc.constantFrom('', ' ', '\n'), jsonText).map((parts) => parts.join(''));

describe('data as text', () => {
  test('the parts of arrays and objects are found where JSON.parse finds them, whatever they contain', () => {
    fc.assert(
      fc.property(fc.array(spaced, { minLength: 1, maxLength: 6 }), (elements) => {
        const text = ` [${elements.join()}]`;
        const { marks } = scan(text);
        assert.deepEqual(
          elements.map((_, at) => text.slice(marks[at]! + 1, marks[at + 1]!)),
          elements,
        );
        assert.equal(marks.length, elements.length + 1);
      }),
    );
  });

  test('of members with the same name the last counts, however its name is escaped', () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(stringText, spaced), { maxLength: 8 }), (members) => {
        const text = `{${members.map((member) => member.join(' :')).join()}}`;
        for (const name of Object.keys(JSON.parse(text))) {
          const last = members.findLast(([quoted]) => JSON.parse(quoted) === name)!;
          assert.equal(memberText(text, name), last[1].trim());
        }
        assert.equal(memberText(text, 'no such name'), undefined);
      }),
    );
    assert.equal(memberText('[{"a":1}]', 'a'), undefined);
    assert.equal(memberText('"a"', 'a'), undefined);
    assert.equal(memberText('{"__proto__":1e400}', '__proto__'), '1e400');
    assert.equal(memberText('{}', 'toString'), undefined);
  });

  test('a line keeps its data as the original text, without white space outside of strings', () => {
    fc.assert(
      fc.property(jsonText, fc.constantFrom('', ',{"key":"k"}', ' , { "key" : "]" } '), (data, options) => {
        // A line has no raw newline in it.
        const text = data.replaceAll('\n', ' ');
        const [line] = decodeFromClient(`["pub", 4 ,"a",${text}${options}]`);
        assert.equal(line!.message?.[0], 'pub');
        assert.equal((line!.message![3] as JsonText).text, squeezed(text));
        const [call] = decodeFromClient(`["call",4,"a",${text}]`);
        assert.equal((call!.message![3] as JsonText).text, squeezed(text));
        const [sub] = decodeFromClient(`["sub",4,"a",{"member":0,"\\u006dember":${text}}]`);
        assert.equal((sub!.message![3] as { member: JsonText }).member.text, squeezed(text));
        const [told] = decodeFromServer(`["m",1,2,${text},{"time":3}]`);
        assert.equal((told!.message![3] as JsonText).text, squeezed(text));
        const [join] = decodeFromServer(`["+",1,{"data":${text},"id":"a"}]`);
        assert.equal((join!.message![2] as { data: JsonText }).data.text, squeezed(text));
      }),
    );
  });

  test('a text has its value and its depth, and nothing else', () => {
    const text = JsonText.parse(' {"id" : 1163456789012345678, "a": [[ ]] }\n');
    assert.equal(text.text, '{"id":1163456789012345678,"a":[[]]}');
    assert.equal(text.depth, 3);
    assert.equal(text.value, text.value, 'read once');
    assert.deepEqual(JSON.parse(JSON.stringify({ text })), { text: JSON.parse(text.text) });
    assert.equal(JsonText.of(text), text);
    assert.equal(JsonText.of({ a: 1 }).text, '{"a":1}');
    assert.equal(JsonText.parse('7').depth, 0);
    for (const wrong of [undefined, () => {}, 1n]) assert.throws(() => JsonText.of(wrong), TypeError);
    for (const wrong of ['', '{', '01', '"\ud800"']) assert.throws(() => JsonText.parse(wrong), SyntaxError);
  });

  test('text that is not JSON is refused at once, strings that never end too', () => {
    for (const wrong of ['"', ' "', '[ "', '"\\', '{"a": "b', '" x y z '])
      assert.throws(() => JsonText.parse(wrong), SyntaxError);
    const pieces = fc.array(fc.constantFrom('"', '\\', ' ', '[', '{', ',', ':', '1', 'a', '\n'), { maxLength: 12 });
    fc.assert(
      fc.property(pieces, (parts) => {
        const text = parts.join('');
        let value: unknown;
        try {
          value = JSON.parse(text);
        } catch {
          assert.throws(() => JsonText.parse(text), SyntaxError);
          return;
        }
        assert.deepEqual(JsonText.parse(text).value, value);
      }),
    );
  });

  test('strings of nothing but escapes, and a million brackets, are read in one pass', () => {
    const long = `"${'\\"\\\\'.repeat(200_000)}"`;
    assert.equal((decodeFromClient(`["pub",4,"a",${long}]`)[0]!.message![3] as JsonText).text.length, long.length);
    const deep = `${'['.repeat(1_000_000)}${']'.repeat(1_000_000)}`;
    assert.equal(scan(deep).depth, 1_000_000);
    const brackets = `["pub",4,"a","${'['.repeat(LIMITS.depth * 4)}"]`;
    assert.equal(decodeFromClient(brackets)[0]!.fault, undefined, 'brackets in a string are not depth');
  });
});
